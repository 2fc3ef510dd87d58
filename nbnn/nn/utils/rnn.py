"""``nbnn.nn.utils.rnn``: sequences of different lengths, under torch's path."""

from nbnn.utils.rnn import PackedSequence as PackedSequence
from nbnn.utils.rnn import __all__ as __all__
from nbnn.utils.rnn import invert_permutation as invert_permutation
from nbnn.utils.rnn import pack_padded_sequence as pack_padded_sequence
from nbnn.utils.rnn import pack_sequence as pack_sequence
from nbnn.utils.rnn import pad_packed_sequence as pad_packed_sequence
from nbnn.utils.rnn import pad_sequence as pad_sequence
from nbnn.utils.rnn import unpack_sequence as unpack_sequence
from nbnn.utils.rnn import unpad_sequence as unpad_sequence
