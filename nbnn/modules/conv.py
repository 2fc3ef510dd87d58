"""torch's path to convolution."""

from nbnn.modules.convolution import Conv1d as Conv1d
from nbnn.modules.convolution import Conv2d as Conv2d
from nbnn.modules.convolution import Conv3d as Conv3d
from nbnn.modules.convolution import ConvTranspose1d as ConvTranspose1d
from nbnn.modules.convolution import ConvTranspose2d as ConvTranspose2d
from nbnn.modules.convolution import ConvTranspose3d as ConvTranspose3d
from nbnn.modules.convolution import _ConvNd as _ConvNd
from nbnn.modules.convolution import _ConvTransposeNd as _ConvTransposeNd
