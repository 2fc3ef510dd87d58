"""The rules of docs/architecture.md, read from the source."""

import ast
import inspect
import math
from pathlib import Path

import pytest
from numba import types

import nbnn
from nbnn import functional, modules
from nbnn.kernels._cpu import Kernel
from tests import report

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "nbnn"
SOURCES = sorted(PACKAGE.rglob("*.py"))
FAMILIES = tuple(
    sorted(p.stem for p in (PACKAGE / "kernels").glob("[!_]*.py") if (PACKAGE / "functional" / p.name).exists())
)
LINES_OF_A_FILE, LINES_OF_A_FUNCTION = 600, 60

# What each room may import, by the first part of the name below `nbnn`. A family's file imports its own family only.
SHARED = {"_cpu", "_cuda", "_gemm", "_norm", "_random", "_reduce", "_shuffle", "_simd", "_strided", "_vecmath", "_wide"}
SHARED |= {"_bfloat", "_cuda_matrix", "_cuda_rows", "_p_norm", "_tiles"}
ROOMS_OF = {
    "convolution": {
        "_conv_batch",
        "_conv_batch_weight",
        "_conv_planes",
        "_conv_gemm",
        "_conv_few",
        "_conv_weight",
        "_conv_winograd",
        "_cuda_conv",
    }
}
MACHINE = ["dtypes", "device", "tensor", "autograd", "op"]
ROOMS = {
    "_jit": set(),
    "_version": set(),
    "_surface": set(),
    "dtypes": set(),
    "kernels": {"_jit", "kernels"},
    "device": {"_jit", "dtypes", "kernels"},
    "_layout": {"device", "kernels"},
    "tensor": {"_layout", "_surface", "dtypes", "device", "kernels", "autograd", "functional", "_format"},  # see LATE
    "_format": {"dtypes", "device", "tensor"},
    "autograd": {"dtypes", "device", "tensor", "functional", "op", "_format"},
    "_arrays": {"tensor"},
    "generator": {"device"},
    "sparse": {"dtypes", "device", "tensor", "autograd", "functional"},
    "op": {"_arrays", "dtypes", "device", "tensor", "autograd", "kernels"},
    "functional": {
        "_layout",
        "dtypes",
        "device",
        "generator",
        "tensor",
        "autograd",
        "op",
        "kernels",
        "sparse",
        "functional",
        "_format",
    },
    "init": {"functional", "dtypes", "device", "generator", "tensor", "autograd"},
    "modules": {"functional", "init", "modules", "tensor", "autograd", "device", "dtypes", "_format"},
}
LATE = {"tensor": {"autograd", "functional", "_format"}, "autograd": {"functional"}}  # inside functions only


def room(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def parsed(path):
    return ast.parse(path.read_text(), str(path))


def imports(tree):
    """(module, whether at the top level, line) of every import; `from nbnn import device` counts as nbnn.device."""
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for inner in ast.walk(node):
                inner.for_types = True
        if getattr(node, "for_types", False):
            continue
        if isinstance(node, ast.Import):
            yield from ((a.name, id(node) in top, node.lineno) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            base = node.module
            names = (
                [f"{base}.{a.name}" for a in node.names]
                if base in ("nbnn", "nbnn.kernels", "nbnn.functional")
                else [base]
            )
            yield from ((name, id(node) in top, node.lineno) for name in names)


def _ours(name):
    return name.split(".")[1] if name.startswith("nbnn.") else None


@pytest.mark.parametrize("path", [p for p in SOURCES if room(p) in ROOMS], ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms(path):
    here = room(path)
    wrong = []
    for name, top, line in imports(parsed(path)):
        target = _ours(name)
        if target is None or target == here or (target == "device" and here == "device"):
            continue
        allowed = ROOMS[here] - (LATE.get(here, set()) if top else set())
        if target not in allowed:
            wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}, which room `{here}` may not")
    assert not wrong, "\n".join(wrong)


def test_only_the_door_imports_numba():
    doors = {"_jit", "kernels", "compile"}
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in SOURCES if room(path) not in doors
        for name, _, line in imports(parsed(path)) if name.split(".")[0] in ("numba", "llvmlite")
    ]  # fmt: skip
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_what_it_must_not():
    heavy = {"torch", "scipy", "sklearn", "matplotlib", "numba.cuda"}
    for path in SOURCES:
        for name, top, line in imports(parsed(path)):
            assert not (top and (name in heavy or name.split(".")[0] in heavy)), (
                f"{path.relative_to(ROOT)}:{line} imports {name}"
            )


@pytest.mark.parametrize("family", FAMILIES)
def test_families_keep_to_themselves(family):
    for layer, kin in (
        ("kernels", SHARED),
        ("modules", {"module", "_convert", "_hooks", "_registry", "_state", "_text", "_walk"}),
    ):
        path = PACKAGE / layer / f"{family}.py"
        if not path.exists():
            continue
        for name, _, line in imports(parsed(path)):
            parts = name.split(".")
            if parts[:2] == ["nbnn", layer] and len(parts) > 2:
                own = {family} | (ROOMS_OF.get(family, set()) if layer == "kernels" else set())
                assert parts[2] in kin | own, f"{path.relative_to(ROOT)}:{line} imports {name}"


def _bodies(tree):
    """The functions of a kernel file that are compiled: those with one of the drivers' or `_jit`'s decorators."""
    marks = ("over_", "_jit.jit", "_jit.shared", "inlined", "inner_ranges")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(ast.unparse(d).startswith(marks) for d in node.decorator_list):
            yield node


ALLOCATORS = {
    "empty",
    "zeros",
    "ones",
    "full",
    "empty_like",
    "zeros_like",
    "ones_like",
    "full_like",
    "array",
    "arange",
    "copy",
    "concatenate",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_neither_allocate_nor_raise_nor_have_defaults(family):
    wrong = []
    for stem in (family, *ROOMS_OF.get(family, ())):
        wrong += _forbidden(PACKAGE / "kernels" / f"{stem}.py")
    assert not wrong, "\n".join(wrong)


def _forbidden(path):
    """What a compiled function of a kernel file must not do."""
    wrong = []
    for body in _bodies(parsed(path)):
        if body.args.defaults or body.args.kw_defaults:
            wrong.append(f"{path.name}:{body.lineno} {body.name} has default arguments")
        for node in ast.walk(body):
            if isinstance(node, (ast.Raise, ast.Assert, ast.Try)):
                wrong.append(f"{path.name}:{node.lineno} {body.name} raises")
            if isinstance(node, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp)):
                wrong.append(f"{path.name}:{node.lineno} {body.name} builds a container")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ALLOCATORS:
                wrong.append(f"{path.name}:{node.lineno} {body.name} allocates: {ast.unparse(node)}")
    return wrong


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_do_not_ask_for_cuda(family):
    for layer in ("functional", "modules"):
        path = PACKAGE / layer / f"{family}.py"
        if path.exists():
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.If):
                    assert "cuda" not in ast.unparse(node.test), f"{path.relative_to(ROOT)}:{node.lineno} asks for CUDA"


# -- the budget --------------------------------------------------------------------------------------------------


def _files():
    return [p for folder in ("nbnn", "tests", "benchmarks", "examples") for p in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", _files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_budget(path):
    lines = path.read_text().count("\n")
    assert lines <= LINES_OF_A_FILE, f"{path.relative_to(ROOT)} has {lines} lines"
    for node in ast.walk(parsed(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            start = node.body[0]
            documented = isinstance(start, ast.Expr) and isinstance(getattr(start, "value", None), ast.Constant)
            text = start.end_lineno - start.lineno + 1 if documented and isinstance(start.value.value, str) else 0
            code = node.end_lineno - node.lineno + 1 - text
            assert code <= LINES_OF_A_FUNCTION, (
                f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {code} lines of code"
            )


# -- the public face ---------------------------------------------------------------------------------------------

TYPES = {name for name in dir(nbnn) if isinstance(getattr(nbnn, name), nbnn.dtypes.dtype)}


def public_functions():
    """The public functions: those of nbnn.functional and those exported at the top."""
    top = [name for name in dir(nbnn) if not name.startswith("_") and inspect.isfunction(getattr(nbnn, name))]
    return sorted(set(functional.__all__) | set(top))


def _find(name):
    return getattr(functional, name) if name in functional.__all__ else getattr(nbnn, name)


@pytest.mark.parametrize("name", public_functions())
def test_functions_are_documented(name):
    doc = inspect.getdoc(_find(name))
    assert doc, f"{name} has no docstring"
    if name in functional.__all__:
        assert ">>>" in doc, f"{name} has no example"


@pytest.mark.parametrize("name", sorted(modules.__all__))
def test_modules_are_documented(name):
    member = getattr(modules, name)
    if inspect.isclass(member):
        doc = member.__doc__
        assert doc, f"{name} has no docstring"
        assert ">>>" in doc, f"{name} has no example"


@pytest.mark.parametrize("name", public_functions())
def test_functions_have_cases(name):
    elsewhere = [file for file, names in report.OTHERWISE.items() if name in names]
    if elsewhere:
        assert f"{name}(" in (ROOT / "tests" / elsewhere[0]).read_text(), f"{name} does not occur in {elsewhere[0]}"
        return
    cases, checks, refusals = report.count().get(name, (0, 0, 0))
    assert cases and checks, f"{name} has no case in tests/cases"
    assert refusals or name in ("relu_", "eye"), f"{name} refuses nothing in tests/cases"


# -- modules against functions -----------------------------------------------------------------------------------

PAIRS = [
    ("ReLU", "relu"), ("Softmax", "softmax"), ("LogSoftmax", "log_softmax"), ("Dropout", "dropout"),
    ("Embedding", "embedding"), ("EmbeddingBag", "embedding_bag"), ("Fold", "fold"), ("Unfold", "unfold"),
    ("FractionalMaxPool2d", "fractional_max_pool2d"), ("FractionalMaxPool3d", "fractional_max_pool3d"),
    ("Conv1d", "conv1d"), ("Conv2d", "conv2d"),
    ("Conv3d", "conv3d"), ("ConvTranspose1d", "conv_transpose1d"), ("ConvTranspose2d", "conv_transpose2d"),
    ("ConvTranspose3d", "conv_transpose3d"), ("MaxPool1d", "max_pool1d"),
    ("MaxPool2d", "max_pool2d"), ("MaxPool3d", "max_pool3d"),
    ("LayerNorm", "layer_norm"), ("RMSNorm", "rms_norm"), ("GroupNorm", "group_norm"),
    ("InstanceNorm1d", "instance_norm"), ("InstanceNorm2d", "instance_norm"),
    ("InstanceNorm3d", "instance_norm"), ("AvgPool1d", "avg_pool1d"), ("AvgPool2d", "avg_pool2d"),
    ("AvgPool3d", "avg_pool3d"), ("AdaptiveAvgPool1d", "adaptive_avg_pool1d"),
    ("AdaptiveAvgPool2d", "adaptive_avg_pool2d"), ("AdaptiveAvgPool3d", "adaptive_avg_pool3d"),
    ("AdaptiveMaxPool1d", "adaptive_max_pool1d"), ("AdaptiveMaxPool2d", "adaptive_max_pool2d"),
    ("AdaptiveMaxPool3d", "adaptive_max_pool3d"), ("LPPool1d", "lp_pool1d"), ("LPPool2d", "lp_pool2d"),
    ("LPPool3d", "lp_pool3d"), ("MaxUnpool1d", "max_unpool1d"), ("MaxUnpool2d", "max_unpool2d"),
    ("MaxUnpool3d", "max_unpool3d"),
    ("NLLLoss", "nll_loss"), ("CTCLoss", "ctc_loss"), ("NLLLoss2d", "nll_loss"),
    ("PoissonNLLLoss", "poisson_nll_loss"), ("GaussianNLLLoss", "gaussian_nll_loss"),
    ("HingeEmbeddingLoss", "hinge_embedding_loss"), ("MarginRankingLoss", "margin_ranking_loss"),
    ("CosineEmbeddingLoss", "cosine_embedding_loss"), ("SoftMarginLoss", "soft_margin_loss"),
    ("MultiLabelMarginLoss", "multilabel_margin_loss"), ("MultiMarginLoss", "multi_margin_loss"),
    ("MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss"), ("TripletMarginLoss", "triplet_margin_loss"),
    ("TripletMarginWithDistanceLoss", "triplet_margin_with_distance_loss"),
    ("PairwiseDistance", "pairwise_distance"), ("CosineSimilarity", "cosine_similarity"), ("Bilinear", "bilinear"),
    ("LocalResponseNorm", "local_response_norm"), ("RReLU", "rrelu"),
    ("CrossEntropyLoss", "cross_entropy"), ("MSELoss", "mse_loss"), ("L1Loss", "l1_loss"),
    ("SmoothL1Loss", "smooth_l1_loss"),
    ("HuberLoss", "huber_loss"), ("BCELoss", "binary_cross_entropy"),
    ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"), ("KLDivLoss", "kl_div"), ("BatchNorm1d", "batch_norm"),
    ("BatchNorm2d", "batch_norm"),
    ("BatchNorm3d", "batch_norm"), ("Linear", "linear"), ("Flatten", "flatten"),
    ("Unflatten", "unflatten"), ("LinearCrossEntropyLoss", "linear_cross_entropy"),
    ("GELU", "gelu"), ("GLU", "glu"), ("SiLU", "silu"), ("Mish", "mish"), ("Softplus", "softplus"),
    ("Softmin", "softmin"),
    ("ELU", "elu"), ("SELU", "selu"), ("CELU", "celu"), ("LeakyReLU", "leaky_relu"), ("Hardtanh", "hardtanh"),
    ("ReLU6", "relu6"), ("Hardsigmoid", "hardsigmoid"), ("Hardswish", "hardswish"), ("Hardshrink", "hardshrink"),
    ("Softshrink", "softshrink"), ("Threshold", "threshold"),
    *((f"Dropout{n}d", f"dropout{n}d") for n in (1, 2, 3)),
    ("AlphaDropout", "alpha_dropout"), ("FeatureAlphaDropout", "feature_alpha_dropout"),
    ("Upsample", "interpolate"), ("UpsamplingNearest2d", "upsample_nearest"),
    ("UpsamplingBilinear2d", "upsample_bilinear"), ("PixelShuffle", "pixel_shuffle"),
    ("PixelUnshuffle", "pixel_unshuffle"), ("ChannelShuffle", "channel_shuffle"),
]  # fmt: skip
# torch's own disagreements, kept for its users: Flatten(1, -1) against flatten(0, -1); BatchNorm trains, batch_norm
# does not; MaxPool takes return_indices before ceil_mode; a Module's bias is a flag.
DIFFERENT_DEFAULT = {("Flatten", "start_dim"), ("Bilinear", "bias"), ("Linear", "bias"), ("Conv1d", "bias"),
                     ("Conv2d", "bias"),
                     ("Conv3d", "bias"), *((f"ConvTranspose{n}d", "bias") for n in (1, 2, 3)),
                     ("BatchNorm1d", "bias"), ("BatchNorm2d", "bias"), ("BatchNorm3d", "bias"),
                     ("LayerNorm", "bias"), ("GroupNorm", "bias"),
                     *((f"InstanceNorm{n}d", "bias") for n in (1, 2, 3)),
                     ("Dropout", "training")}  # fmt: skip
DIFFERENT_ORDER = {
    "LinearCrossEntropyLoss",
    "LayerNorm",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "RMSNorm",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
}


def test_every_module_with_a_function_is_paired():
    paired = {name for name, _ in PAIRS}
    simple = {"GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"}
    simple |= {
        "LogSigmoid",
        "PReLU",
        "Softmax2d",
        "Softsign",
        "Tanhshrink",
        "Tanh",
        "Sigmoid",
        "Identity",
        "CrossMapLRN2d",
    } | {f"{kind}Pad{n}d" for kind in ("Circular", "Constant", "Reflection", "Replication", "Zero") for n in (1, 2, 3)}
    for name in modules.__all__:
        member = getattr(modules, name)
        if inspect.isclass(member) and member.__module__.split(".")[-1] in FAMILIES and not name.startswith("_"):
            assert name in paired | simple | {"Module"}, f"{name} is compared with no function"


@pytest.mark.parametrize(("module", "function"), PAIRS)
def test_arguments_agree(module, function):
    ours = inspect.signature(getattr(modules, module).__init__).parameters
    theirs = inspect.signature(getattr(nbnn, function, None) or getattr(functional, function)).parameters
    shared = [n for n in ours if n in theirs and n != "self"]
    assert shared or module == "Linear", f"{module} and {function} share no argument"
    for name in shared:
        if (module, name) not in DIFFERENT_DEFAULT:
            a, b = ours[name].default, theirs[name].default
            assert a == b or math.isclose(a, b), f"{module}: `{name}` is {a!r} by default, {b!r} in {function}"
    if module not in DIFFERENT_ORDER:
        assert shared == [n for n in theirs if n in ours], f"{module} takes {shared} in another order than {function}"


@pytest.mark.parity
@pytest.mark.parametrize(("module", "function"), PAIRS)
def test_arguments_are_torchs(module, function):
    torch = pytest.importorskip("torch")
    for ours, theirs in (
        (getattr(modules, module).__init__, getattr(torch.nn, module).__init__),
        (getattr(nbnn, function, None) or getattr(functional, function), getattr(torch.nn.functional, function, None)),
    ):
        if not inspect.isfunction(theirs):
            continue
        wanted = [
            n
            for n, p in inspect.signature(theirs).parameters.items()
            if p.kind is not p.VAR_KEYWORD and n not in ("args", "kwargs")
        ]
        got = list(inspect.signature(ours).parameters)
        if wanted != ["self"]:
            assert got[: len(wanted)] == wanted, f"{module} / {function}: {got}, torch has {wanted}"


def test_tests_import_torch_where_it_may_be_missing():
    """The suite must be collected without PyTorch: `pytest.importorskip` inside of what needs it."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [a.name for a in getattr(node, "names", [])] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.partition(".")[0] == "torch" for name in names), path


# -- kernels stay in their type ----------------------------------------------------------------------------------


def kernels():
    """Every elementwise kernel of every family."""
    import importlib

    found = {}
    for family in FAMILIES:
        module = importlib.import_module(f"nbnn.kernels.{family}")
        for name, k in vars(module).items():
            if isinstance(k, Kernel) and k.kind == "elements":
                found[f"{family}.{name}"] = k
    return found


# float32 in, but another type out: comparisons and truth give bools; the conversions of halves work on bits.
NOT_FLOAT = {"rounding.isnan", "rounding.isinf", "rounding.isfinite"}
NOT_FLOAT |= {"array.truth", "array.eq", "array.ne", "array.lt", "array.le", "array.logical_and", "array.logical_or"}
INTEGERS = {"power.integer_power"}
NOT_FLOAT |= {"comparison.isclose", "logic.opposite"}
NOT_FLOAT |= {f"comparison.{name}_number" for name in ("eq", "ne", "lt", "le", "gt", "ge")}
BITS = {"array.half_to_float", "array.float_to_half", "array.bfloat_to_float", "array.float_to_bfloat"}
BITS |= {f"logic.{name}" for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not")}
BITS |= {"logic.left_shift", "logic.right_shift"}
BITS |= {"ordering.float_key", "ordering.flipped"}


@pytest.mark.parametrize("name", sorted(set(kernels()) - BITS - INTEGERS))
def test_float32_stays_float32(name):
    kernel = kernels()[name]
    count = len(inspect.signature(kernel.body.py_func).parameters)
    signature = (types.float32,) * kernel.arity + (types.float64,) * (count - kernel.arity)
    wanted = types.boolean if name in NOT_FLOAT else types.float32
    if name.startswith("complexes."):
        signature = (types.complex64,) * kernel.arity
        wanted = types.float32 if name == "complexes.modulus" else types.complex64
    kernel.body.compile(signature)
    result = kernel.body.overloads[signature].signature.return_type
    assert result == wanted, f"{name} gives {result} for {signature[0]}"


def test_a_body_that_widens_would_be_seen():
    from nbnn.kernels._cpu import over_elements

    @over_elements(1)
    def leak(x):
        return 1.0 + x

    leak.body.compile((types.float32,))
    assert leak.body.overloads[(types.float32,)].signature.return_type == types.float64
    # the driver would round it back to float32 and hide it
