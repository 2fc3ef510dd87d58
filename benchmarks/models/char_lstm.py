"""A language model of characters on two LSTM layers (Graves, "Generating sequences with recurrent neural networks")."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def char_lstm(T: ModuleType, vocabulary: int, width: int = 128, hidden: int = 256) -> Any:
    """From characters (time, batch) to scores of the next ones (time, batch, vocabulary)."""
    nn = T.nn

    class CharLSTM(nn.Module):
        """Embedding, LSTM, scores."""

        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(vocabulary, width)
            self.lstm = nn.LSTM(width, hidden, num_layers=2)
            self.scores = nn.Linear(hidden, vocabulary)

        def forward(self, characters: Any) -> Any:
            states, _ = self.lstm(self.embedding(characters))
            return self.scores(states)

    return CharLSTM()
