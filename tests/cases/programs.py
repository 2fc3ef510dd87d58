"""Programs as people write them for torch, in our own words: each leaves a list `losses`.

A program imports torch itself. It is given `rng` (NumPy's generator, for data and noise) and `start(model)`, which
gives the parameters the same numbers whatever library they belong to.
"""

from tests.cases.agents import AGENTS

PROGRAMS: dict[str, str] = {**AGENTS}

PROGRAMS["polynomial by hand"] = """
import torch
import torch.nn.functional as F

def powers(x):
    return torch.cat([x.unsqueeze(1) ** k for k in range(1, 4)], 1)

truth = torch.tensor([[1.5], [-2.0], [0.5]])
layer = start(torch.nn.Linear(truth.size(0), 1))
for step in range(6):
    x = powers(torch.from_numpy(rng.normal(size=32)).float())
    y = x.mm(truth) + torch.Tensor([0.25]).item()
    layer.zero_grad()
    loss = F.smooth_l1_loss(layer(x), y)
    loss.backward()
    for p in layer.parameters():
        p.data.add_(-0.1 * p.grad)
    losses.append(loss.item())
text = "y = " + " ".join("{:+.2f} x^{}".format(w, k) for k, w in enumerate(layer.weight.view(-1)))
"""

PROGRAMS["waves with LSTM cells and LBFGS"] = """
import torch
from torch import nn, optim

class Waves(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.width, self.marker = width, nn.Parameter(torch.empty(0))
        self.first, self.second, self.out = nn.LSTMCell(1, width), nn.LSTMCell(width, width), nn.Linear(width, 1)

    def forward(self, seen, ahead=0):
        device = self.marker.device
        h, c, h2, c2 = (torch.zeros(seen.size(0), self.width, dtype=torch.double).to(device) for _ in range(4))
        found = []
        for piece in list(seen.split(1, dim=1)) + [None] * ahead:
            h, c = self.first(found[-1] if piece is None else piece, (h, c))
            h2, c2 = self.second(h, (h2, c2))
            found += [self.out(h2)]
        return torch.cat(found, dim=1)

device = torch.device("mps" if torch.backends.mps.is_available() else "cpu")
data = torch.from_numpy(np.sin(0.4 * np.arange(9) + rng.uniform(0, 6, (3, 1)))).to(device)
model, measure = start(Waves().to(device).double()), nn.MSELoss().to(device)
optimizer = optim.LBFGS(model.parameters(), lr=0.8, max_iter=4)

def closure():
    optimizer.zero_grad()
    loss = measure(model(data[:, :-1]), data[:, 1:])
    losses.append(loss.item())
    loss.backward()
    return loss

for step in range(2):
    optimizer.step(closure)
with torch.no_grad():
    assert model(data[:1], ahead=5).cpu().numpy().shape == (1, 14)
"""

_WORDS = """
import torch
import torch.nn as nn

class Words(nn.Module):
    def __init__(self, kind, count, width):
        super().__init__()
        self.drop, self.code = nn.Dropout(0.0), nn.Embedding(count, width)
        self.rnn = getattr(nn, kind)(width, width, 2) if kind != "RNN" else nn.RNN(width, width, 2, nonlinearity="tanh")
        self.decode = nn.Linear(width, count)
        self.decode.weight = self.code.weight
        nn.init.uniform_(self.code.weight, -0.1, 0.1)
        nn.init.zeros_(self.decode.bias)

    def forward(self, words, state):
        out, state = self.rnn(self.drop(self.code(words)), state)
        return self.decode(self.drop(out)).view(-1, self.decode.out_features), state

    def begin(self, batch):
        zero = next(self.parameters()).new_zeros(2, batch, self.rnn.hidden_size)
        return (zero, zero.clone()) if isinstance(self.rnn, nn.LSTM) else zero

def cut(state):
    return state.detach() if isinstance(state, torch.Tensor) else tuple(cut(s) for s in state)

stream = torch.tensor(rng.integers(0, 9, 60)).type(torch.int64)
stream = stream.narrow(0, 0, 60).view(4, -1).t().contiguous()
model, measure = start(Words(KIND, 9, 8)), nn.CrossEntropyLoss()
state = model.begin(4)
for at in range(0, stream.size(0) - 1, 5):
    length = min(5, len(stream) - 1 - at)
    state = cut(state)
    model.zero_grad()
    out, state = model(stream[at : at + length], state)
    loss = measure(out, stream[at + 1 : at + 1 + length].view(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
    for p in model.parameters():
        p.data.add_(p.grad, alpha=-2.0)
    losses.append(loss.item())
"""
PROGRAMS |= {f"words with {kind}": _WORDS.replace("KIND", repr(kind)) for kind in ("RNN", "LSTM", "GRU")}

PROGRAMS["words with a Transformer"] = """
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

class Places(nn.Module):
    def __init__(self, width, longest=20):
        super().__init__()
        table, at = torch.zeros(longest, width), torch.arange(0, longest, dtype=torch.float).unsqueeze(1)
        speed = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
        table[:, 0::2], table[:, 1::2] = torch.sin(at * speed), torch.cos(at * speed)
        self.register_buffer("table", table.unsqueeze(0).transpose(0, 1))

    def forward(self, x):
        return x + self.table[: x.size(0), :]

class Model(nn.Transformer):
    def __init__(self, count, width):
        super().__init__(d_model=width, nhead=2, dim_feedforward=16, num_encoder_layers=2, dropout=0.0)
        self.code, self.places, self.out = nn.Embedding(count, width), Places(width), nn.Linear(width, count)

    def forward(self, words):
        mask = (torch.triu(torch.ones(len(words), len(words))) == 1).transpose(0, 1)
        mask = mask.float().masked_fill(mask == 0, float("-inf")).masked_fill(mask == 1, float(0.0))
        seen = self.places(self.code(words) * math.sqrt(self.d_model))
        return F.log_softmax(self.out(self.encoder(seen, mask=mask)), dim=-1)

words = torch.from_numpy(rng.integers(0, 7, (6, 3)))
model = start(Model(7, 8))
optimizer = torch.optim.SGD((p for n, p in model.named_parameters() if not n.startswith("decoder.")), lr=0.5)
for step in range(4):
    optimizer.zero_grad()
    loss = F.nll_loss(model(words[:-1]).view(-1, 7), words[1:].view(-1))
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""

_IMAGES = """
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

class Net(nn.Module):
MODEL
images = torch.from_numpy(rng.normal(size=(24, 1, 8, 8)).astype(np.float32))
loader = DataLoader(TensorDataset(images, torch.arange(24) % 3), batch_size=8)
device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
model = start(Net()).to("cpu")
optimizer = optim.Adadelta(model.parameters(), lr=0.5)
scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
for epoch in range(1, 3):
    model.train()
    for k, (data, target) in enumerate(loader):
        data, target = data.to("cpu"), target.to("cpu")
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
model.eval()
with torch.no_grad():
    out = torch.cat([model(data) for data, _ in loader])
    guess = out.argmax(dim=1, keepdim=True)
    right = guess.eq((torch.arange(24) % 3).view_as(guess)).sum().item()
    line = "{}/{} ({:.0f}%)".format(right, len(loader.dataset), 100.0 * right / len(loader.dataset))
"""
PROGRAMS["digits with convolutions"] = _IMAGES.replace(
    "MODEL",
    """
    def __init__(self):
        super(Net, self).__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3, 1), nn.Conv2d(4, 8, 3, 1)
        self.drop, self.fc1, self.fc2 = nn.Dropout(0.0), nn.Linear(32, 16), nn.Linear(16, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        x = F.relu(self.fc1(torch.flatten(self.drop(x), 1)))
        return F.log_softmax(self.fc2(x), dim=1)
""",
)
PROGRAMS["digits row by row"] = _IMAGES.replace(
    "MODEL",
    """
    def __init__(self):
        super(Net, self).__init__()
        self.rnn, self.norm = nn.LSTM(input_size=8, hidden_size=6, batch_first=True), nn.BatchNorm1d(6)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        out, _ = self.rnn(x.reshape(-1, 8, 8))
        return F.log_softmax(self.fc(self.norm(out[:, -1, :])), dim=1)
""",
)

PROGRAMS["variational autoencoder"] = """
import torch
import torch.utils.data
from torch import nn, optim
from torch.nn import functional as F

class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.into, self.mean, self.spread = nn.Linear(16, 12), nn.Linear(12, 3), nn.Linear(12, 3)
        self.back, self.out = nn.Linear(3, 12), nn.Linear(12, 16)

    def forward(self, x):
        hidden = F.relu(self.into(x.view(-1, 16)))
        mu, logvar = self.mean(hidden), self.spread(hidden)
        noise = torch.from_numpy(rng.normal(size=tuple(mu.shape))).type_as(mu)
        z = mu + noise * torch.exp(0.5 * logvar)
        return torch.clamp(torch.sigmoid(self.out(F.relu(self.back(z)))), min=1e-4, max=1 - 1e-4), mu, logvar

images = torch.from_numpy(rng.uniform(size=(20, 1, 4, 4))).float()
model = start(VAE())
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for step in range(5):
    optimizer.zero_grad()
    again, mu, logvar = model(images)
    away = torch.max(torch.le(again, 0.49), torch.gt(again, 0.51))
    kept = torch.where(away, again, 0.49 * torch.ones_like(again))
    weight = torch.where(away, torch.log(torch.abs(1 - 2.0 * kept)), torch.log(torch.tensor(2.0)))
    divergence = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    loss = F.binary_cross_entropy(again, images.view(-1, 16), reduction="sum") + divergence + 0.01 * weight.sum()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""

PROGRAMS["adversarial networks"] = """
import torch
import torch.backends.cudnn as cudnn
import torch.nn as nn
import torch.nn.parallel
import torch.optim as optim

cudnn.benchmark = True
if torch.cuda.is_available():
    torch.cuda.manual_seed_all(3)

def prepare(m):
    if m.__class__.__name__.find("BatchNorm") != -1:
        m.weight.data.normal_(1.0, 0.02)
        m.bias.data.fill_(0)

class Player(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.main = nn.Sequential(*layers)

    def forward(self, x):
        if x.is_cuda:
            return nn.parallel.data_parallel(self.main, x, range(torch.cuda.device_count()))
        return self.main(x)

maker = Player(
    nn.ConvTranspose2d(5, 8, 4, 1, 0, bias=False), nn.BatchNorm2d(8), nn.ReLU(True),
    nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False), nn.Tanh())
judge = Player(
    nn.Conv2d(3, 6, 4, 2, 1, bias=False), nn.BatchNorm2d(6), nn.LeakyReLU(0.2, inplace=True),
    nn.Conv2d(6, 1, 4, 1, 0, bias=False), nn.Sigmoid())
maker.apply(prepare)
start(maker), start(judge), repr(maker)
measure, device = nn.BCELoss(), torch.device("cpu")
judges, makers = (optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.999)) for net in (judge, maker))
for step in range(3):
    real = torch.from_numpy(rng.uniform(-1, 1, (4, 3, 8, 8)).astype(np.float32)).to(device)
    label = torch.full((real.size(0),), 1, dtype=real.dtype, device=device)
    judge.zero_grad()
    seen = measure(judge(real).view(-1, 1).squeeze(1), label)
    seen.backward()
    made = maker(torch.from_numpy(rng.normal(size=(4, 5, 1, 1)).astype(np.float32)))
    label.fill_(0)
    caught = measure(judge(made.detach()).view(-1), label)
    caught.backward()
    judges.step()
    maker.zero_grad()
    label.fill_(1)
    passed = measure(judge(made).view(-1), label)
    passed.backward()
    makers.step()
    losses += [(seen + caught).item(), passed.item()]
"""

PROGRAMS["larger images"] = """
import torch
import torch.nn as nn
import torch.nn.init as init

class Net(nn.Module):
    def __init__(self, factor):
        super(Net, self).__init__()
        self.relu, self.shuffle = nn.ReLU(), nn.PixelShuffle(factor)
        self.conv1 = nn.Conv2d(1, 6, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(6, factor**2, (3, 3), (1, 1), (1, 1))
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight)

    def forward(self, x):
        return self.shuffle(self.conv2(self.relu(self.conv1(x))))

large = torch.from_numpy(rng.uniform(size=(3, 1, 8, 8)).astype(np.float32))
model, measure = start(Net(factor=2)), nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(4):
    optimizer.zero_grad()
    loss = measure(model(large[:, :, ::2, ::2]), large)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""

PROGRAMS["style"] = """
import torch

class Layer(torch.nn.Module):
    def __init__(self, into, out, kernel, stride, larger=None):
        super(Layer, self).__init__()
        self.larger = torch.nn.Upsample(mode="nearest", scale_factor=larger) if larger else None
        self.pad = torch.nn.ReflectionPad2d(kernel // 2)
        self.conv = torch.nn.Conv2d(into, out, kernel, stride, bias=False)
        self.norm = torch.nn.InstanceNorm2d(out, affine=True)

    def forward(self, x):
        return self.norm(self.conv(self.pad(self.larger(x) if self.larger else x)))

def gram(y):
    b, c, h, w = y.size()
    rows = y.view(b, c, w * h)
    return rows.bmm(rows.transpose(1, 2)) / (c * h * w)

model = start(torch.nn.Sequential(Layer(3, 4, 3, 2), torch.nn.ReLU(), Layer(4, 3, 3, 1, larger=2)))
image, style = (torch.from_numpy(rng.normal(size=(2, 3, 8, 8)).astype(np.float32)) for _ in range(2))
optimizer, measure = torch.optim.Adam(model.parameters(), 1e-2), torch.nn.MSELoss()
for step in range(4):
    optimizer.zero_grad()
    out = model(image)
    loss = measure(out, image) + measure(gram(out), gram(style).expand_as(gram(out)))
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""

PROGRAMS["residual network"] = """
import torch
import torch.nn as nn
try:
    from torch.hub import load_state_dict_from_url
except ImportError:
    from torch.utils.model_zoo import load_url as load_state_dict_from_url

def conv3x3(into, out, stride=1, groups=1):
    return nn.Conv2d(into, out, kernel_size=3, stride=stride, padding=1, groups=groups, bias=False)

class Block(nn.Module):
    def __init__(self, into, out, stride=1, norm=nn.BatchNorm2d):
        super().__init__()
        self.conv1, self.bn1, self.relu = conv3x3(into, out, stride), norm(out), nn.ReLU(inplace=True)
        self.conv2, self.bn2 = conv3x3(out, out, groups=2), norm(out)
        self.short = nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), norm(out)) if stride != 1 else None

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.short is None else self.short(x)
        return self.relu(out)

stem = [conv3x3(3, 4), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(kernel_size=3, stride=2, padding=1)]
end = [nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(8, 3)]
model = nn.Sequential(*stem, Block(4, 4), Block(4, 8, 2), *end)
for m in model.modules():
    if isinstance(m, nn.Conv2d):
        nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
        nn.init.constant_(m.weight, 1)
start(model)
images, target = torch.from_numpy(rng.normal(size=(4, 3, 16, 16)).astype(np.float32)), torch.tensor([0, 1, 2, 0])
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
for step in range(4):
    optimizer.zero_grad(set_to_none=True)
    loss = nn.functional.cross_entropy(model(images), target)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""

PROGRAMS["small GPT"] = """
import inspect
import torch
import torch.nn as nn
from torch.nn import functional as F
from torch.cuda.amp import GradScaler

class Attention(nn.Module):
    def __init__(self, width, heads, longest):
        super().__init__()
        self.all, self.out, self.heads = nn.Linear(width, 3 * width), nn.Linear(width, width), heads
        self.register_buffer("mask", torch.tril(torch.ones(longest, longest)).view(1, 1, longest, longest))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = (t.view(B, T, self.heads, C // self.heads).transpose(1, 2) for t in self.all(x).split(C, dim=2))
        quick = F.scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=True)
        slow = (q @ k.transpose(-2, -1)) * (1.0 / k.size(-1) ** 0.5)
        slow = F.softmax(slow.masked_fill(self.mask[:, :, :T, :T] == 0, float("-inf")), dim=-1) @ v
        return self.out((0.5 * (quick + slow)).transpose(1, 2).contiguous().view(B, T, C))

class GPT(nn.Module):
    def __init__(self, count, longest, width=8):
        super().__init__()
        self.longest, self.place = longest, nn.Parameter(torch.zeros(1, longest, width))
        wide = nn.Sequential(nn.Linear(width, 16), nn.GELU(), nn.Linear(16, width))
        self.parts = nn.ModuleDict(dict(
            code=nn.Embedding(count, width), norm=nn.LayerNorm(width),
            blocks=nn.ModuleList([nn.ModuleList([nn.LayerNorm(width), Attention(width, 2, longest), wide])])))
        self.head = nn.Linear(width, count, bias=False)
        self.parts.code.weight = self.head.weight
        self.apply(self.prepare)

    def prepare(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.normal_(mean=0.0, std=0.02)

    def forward(self, words, target=None):
        x = self.parts.code(words) + self.place[:, : words.size(1), :]
        for norm, attend, wide in self.parts.blocks:
            x = x + attend(norm(x))
            x = x + wide(x)
        if target is None:
            return self.head(self.parts.norm(x)[:, [-1], :]), None
        out = self.head(self.parts.norm(x))
        return out, F.cross_entropy(out.view(-1, out.size(-1)), target.reshape(-1), ignore_index=-1)

    @torch.no_grad()
    def write(self, words, count, best=3):
        for _ in range(count):
            out = self(words[:, -self.longest :])[0][:, -1, :]
            least, _ = torch.topk(out, best)
            out[out < least[:, [-1]]] = -float("Inf")
            words = torch.cat((words, torch.multinomial(F.softmax(out, dim=-1), num_samples=1)), dim=1)
        return words

words = torch.from_numpy(rng.integers(0, 11, (3, 7)))
model = start(GPT(11, 6))
parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
groups = [
    {"params": [p for p in parameters.values() if p.dim() >= 2], "weight_decay": 0.1},
    {"params": [p for p in parameters.values() if p.dim() < 2], "weight_decay": 0.0}]
assert "fused" in inspect.signature(torch.optim.AdamW).parameters
optimizer = torch.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.95))
scaler = GradScaler(enabled=False)
for step in range(4):
    with torch.amp.autocast("cpu", enabled=False):
        out, loss = model(words[:, :-1], words[:, 1:])
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    losses.append(loss.item())
assert model.write(words, 4).shape == (3, 11)
"""

PROGRAMS["forward and forward"] = """
import torch
from torch.optim import Adam

def marked(x, y):
    x = x.clone()
    x[:, :3] *= 0.0
    x[range(x.shape[0]), y] = x.max()
    return x

class Layer(torch.nn.Linear):
    def forward(self, x):
        return torch.relu(torch.mm(x / (x.norm(2, 1, keepdim=True) + 1e-4), self.weight.T) + self.bias.unsqueeze(0))

device = torch.device("xpu" if torch.xpu.is_available() else "cpu")
x, y = torch.from_numpy(rng.uniform(size=(9, 6)).astype(np.float32)).to(device), torch.arange(9) % 3
other = y.clone()
for at, label in enumerate(y):
    others = [k for k in range(3) if k != label.item()]
    other[at] = torch.tensor(others)[torch.randint(1, size=(1,))].item()
layer = start(Layer(6, 5))
optimizer = Adam(layer.parameters(), lr=0.03)
for step in range(4):
    good, bad = (layer(marked(x, labels)).pow(2).mean(1) for labels in (y, other))
    loss = torch.log1p(torch.exp(torch.cat([-good + 2, bad - 2]))).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""

PROGRAMS["segmentation"] = """
import torch
import torch.nn as nn
import torch.nn.functional as F

def two(into, out):
    return nn.Sequential(
        nn.Conv2d(into, out, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True))

class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.top, self.low = two(1, 4), nn.Sequential(nn.MaxPool2d(2), two(4, 4))
        self.up, self.join = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), two(8, 4)
        self.out = nn.Conv2d(4, 2, kernel_size=1)

    def forward(self, x):
        top = self.top(x)
        low = self.up(self.low(top))
        high = torch.tensor([top.size()[2] - low.size()[2]])
        wide = torch.tensor([top.size()[3] - low.size()[3]])
        low = F.pad(low, [wide // 2, wide - wide // 2, high // 2, high - high // 2])
        return self.out(self.join(torch.cat([top, low], dim=1)))

images = torch.from_numpy(rng.normal(size=(2, 1, 9, 7)).astype(np.float32))
model = start(UNet())
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, weight_decay=1e-8, momentum=0.9)
for step in range(4):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), (images.squeeze(1) > 0).long())
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses.append(loss.item())
"""
