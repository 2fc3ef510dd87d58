"""Programs that learn from rewards: see `programs`."""

AGENTS: dict[str, str] = {}

AGENTS["policy gradient"] = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions.categorical import Categorical

policy = start(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for episode in range(3):
    chosen, rewards = [], []
    for t in range(5):
        state = torch.from_numpy(rng.normal(size=4)).float().unsqueeze(0)
        choice = Categorical(F.softmax(policy(state), dim=1))
        assert 0 <= choice.sample().item() < 3
        action = torch.tensor([int(rng.integers(3))])
        chosen.append(choice.log_prob(action))
        rewards.append(float(action.item() == 1))
    returns = torch.tensor([sum(0.9**k * r for k, r in enumerate(rewards[t:])) for t in range(5)])
    returns = (returns - returns.mean()) / (returns.std() + np.finfo(np.float32).eps.item())
    optimizer.zero_grad()
    loss = torch.cat([-logged * gain for logged, gain in zip(chosen, returns)]).sum()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""

AGENTS["actor and critic"] = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical, Normal

class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.act, self.judge = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(8, 1)

    def forward(self, x):
        x = F.relu(self.body(x))
        return F.softmax(self.act(x), dim=-1), self.judge(x)

model = start(Policy())
optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
for episode in range(3):
    acting, judging = [], []
    for t in range(5):
        chances, value = model(torch.from_numpy(rng.normal(size=4)).float())
        choice, gain = Categorical(chances), float(rng.normal())
        acting.append(-choice.log_prob(torch.tensor(t % 2)) * (gain - value.item()) - 0.01 * choice.entropy())
        likely = Normal(value, 1.0).log_prob(torch.tensor(gain)).sum()
        judging.append(F.smooth_l1_loss(value, torch.tensor([gain])) - 0.01 * likely)
    optimizer.zero_grad()
    loss = torch.stack(acting).sum() + torch.stack(judging).sum()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""
