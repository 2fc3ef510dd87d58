"""``python -m tests.reference``: write docs/functions from the docstrings and the case tables.

A page for each family of functions (signature, formula, shapes, errors, example), and an index whose table says in
which of the four worlds each function is tested, and by how many checks.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbnn
import nbnn.nn.functional as F
from tests import report

FOLDER = Path(__file__).parent.parent / "docs" / "functions"
NOTE = "<!-- Written by `python -m tests.reference` from the docstrings and the case tables: change those. -->"

# Page, title, and the files whose functions stand there.
PAGES = (
    ("convolution", "Convolution", "convolution folding"),
    ("pooling", "Pooling", "pooling unpooling fractional_pooling"),
    ("padding", "Padding", "padding"),
    ("linear", "Linear layers and matrix products", "linear product contraction"),
    ("activation", "Activation", "activation piecewise rectifier functional"),
    ("softmax", "Softmax", "softmax"),
    ("normalization", "Normalization", "normalization row_norm response_norm"),
    ("dropout", "Dropout", "dropout"),
    ("embedding", "Embedding", "embedding embedding_bag"),
    ("attention", "Attention", "attention multi_head"),
    ("recurrent", "Recurrent layers", "recurrent recurrent_cell"),
    ("distance", "Distance", "distance"),
    ("loss", "Loss", "loss linear_cross_entropy ctc elementwise_loss probability_loss margin_loss distance_loss"),
    ("vision", "Vision", "vision sampling_grid"),
    ("arithmetic", "Arithmetic", "arithmetic combination division power"),
    ("elementwise", "Functions of one element", "pointwise rounding trigonometry special"),
    ("complex", "Complex numbers", "complexes pairs"),
    ("comparison", "Comparison, choice and logic", "comparison choice logic"),
    ("reduction", "Reduction", "array statistics extreme cumulative running differences"),
    ("shape", "Shape", "shape views joining rearrange arrangement"),
    ("indexing", "Indexing", "indexing gathering masking scattering"),
    ("ordering", "Ordering and counting", "ordering binning"),
    ("creation", "Creation", "creation factory grid conversion"),
    ("random", "Random numbers", "sampling generator"),
    ("linalg", "Linear algebra", "decomposition eigen matrix_function norms"),
    (
        "settings",
        "Types, files and settings",
        "dtypes promotion questions device serialization _precision _tape _as_torch _summary _format settings",
    ),
)
PAGE_OF = {stem: page for page, _, stems in PAGES for stem in stems.split()}

# -- what is public ----------------------------------------------------------------------------------------------


def functions() -> dict[str, Callable]:
    """Every public function by the path that a user writes after `nbnn.`, or after `F.` where it stands there only."""
    top = {name: value for name in dir(nbnn) if inspect.isfunction(value := getattr(nbnn, name)) and name[0] != "_"}
    linalg = {f"linalg.{name}": getattr(nbnn.linalg, name) for name in nbnn.linalg.__all__}
    return {**{name: getattr(F, name) for name in F.__all__}, **top, **linalg}


def page_of(function: Callable) -> str:
    return PAGE_OF[function.__module__.split(".")[-1]]


def path_of(name: str) -> str:
    return f"nbnn.{name}" if hasattr(nbnn, name.split(".")[0]) else f"nbnn.nn.functional.{name}"


# -- a page ------------------------------------------------------------------------------------------------------


def signature(name: str, function: Callable) -> str:
    """The call without types, which stand with the parameters; broken where it is long."""
    arguments: list[str] = []
    kinds = inspect.Parameter
    parameters = inspect.signature(function).parameters.values()
    starred = any(p.kind is kinds.VAR_POSITIONAL for p in parameters)
    for p in parameters:
        if p.kind is kinds.KEYWORD_ONLY and not starred:
            arguments.append("*")
            starred = True
        mark = {kinds.VAR_POSITIONAL: "*", kinds.VAR_KEYWORD: "**"}.get(p.kind, "")
        default = "" if p.default is kinds.empty else f"={getattr(p.default, '__name__', repr(p.default))}"
        arguments.append(f"{mark}{p.name}{default}")
    line = f"{path_of(name)}({', '.join(arguments)})"
    if len(line) <= 100:
        return line
    rows = [""]
    for argument in arguments:
        if len(rows[-1]) + len(argument) > 94:
            rows.append("")
        rows[-1] += f"{argument}, "
    return "\n".join([f"{path_of(name)}(", *(f"    {row.rstrip()}" for row in rows), ")"])


def prose(text: str) -> str:
    """Text of a docstring in Markdown: formulas and code."""
    text = re.sub(r"``([^`]*)``", r"`\1`", text)
    text = re.sub(r"^\.\. (\[\d+\] )", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r":math:`([^`]*)`", lambda m: f"$`{' '.join(m[1].split())}`$", text)
    formula = re.compile(r"^\.\. math::((?:.|\n(?=\n? +\S))*)", re.MULTILINE)
    return formula.sub(lambda m: "```math\n" + "\n".join(s.strip() for s in m[1].strip().split("\n")) + "\n```", text)


def entries(text: str) -> Iterator[tuple[str, str]]:
    """The items of a numpydoc section: a line at the margin, and what is indented below it."""
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        if block.strip():
            head, _, body = block.partition("\n")
            yield head.strip(), " ".join(body.split())


def section(title: str, text: str) -> str:
    """One section of a docstring."""
    if title == "Examples":
        return f"```python\n{text.strip()}\n```"
    if title not in ("Parameters", "Returns", "Raises"):
        return f"**{title}.** {prose(text.strip())}"
    if title == "Returns" and not re.search(r"^\S.*\n +\S|^[\w, ]+ : ", text, re.MULTILINE):
        return f"**Returns** {prose(' '.join(text.split()))}"
    rows = []
    for head, body in entries(text):
        names, colon, kind = head.partition(" : ")
        if title == "Parameters" or colon:
            names = ", ".join(f"`{n}`" for n in names.split(", "))
        head = f"{names}: {kind}" if colon else names
        stop = "." if colon else ":"
        rows.append(prose(f"- {head}{stop} {body}" if body else f"- {head}"))
    return f"**{title}**\n\n" + "\n".join(rows)


def entry(names: list[str], function: Callable) -> str:
    """A function: its names, its call, its docstring."""
    name = names[0]
    summary, *rest = re.split(r"^([A-Z][A-Za-z]+)\n-{3,}\n", inspect.getdoc(function) or "", flags=re.MULTILINE)
    parts = [f"## {name}", f"```python\n{signature(name, function)}\n```", prose(summary.strip())]
    parts += [f"Also called {', '.join(f'`{path_of(other)}`' for other in names[1:])}."] if names[1:] else []
    parts += [section(title, text) for title, text in zip(rest[::2], rest[1::2], strict=True)]
    return "\n\n".join(parts)


def grouped(members: dict[str, Callable]) -> dict[Callable, list[str]]:
    """The names of each function, its own first; functions in the order of these."""
    aliases: dict[Callable, list[str]] = {}
    for name, function in members.items():
        aliases.setdefault(function, []).append(name)
    for function, names in aliases.items():
        names.sort(key=lambda name: (name.split(".")[-1] != function.__name__, name))
    return dict(sorted(aliases.items(), key=lambda item: item[1][0]))


def anchor(name: str) -> str:
    """What a heading is called in a link."""
    return name.replace(".", "")


def page(title: str, members: dict[str, Callable]) -> str:
    """A family."""
    found = grouped(members).items()
    files = sorted({"/".join(f.__module__.split(".")) for f, _ in found})
    files = [f"{file}/__init__" if file == "nbnn/functional" else file for file in files]
    links = ", ".join(f"[{file}.py](../../{file}.py)" for file in files)
    top = f"# {title}\n\n{NOTE}\n\nFrom {links}. [All functions](index.md)."
    return "\n\n".join([top, *(entry(names, function) for function, names in found)]) + "\n"


# -- the index ---------------------------------------------------------------------------------------------------

MAKES = "makes a Tensor"
WHY = {  # the reasons of a "no", and the functions that have them
    "NumPy": {MAKES: "full_like linspace logspace tril_indices triu_indices"},
    "gradient": {
        "random draw": "bernoulli normal",
        MAKES: "full_like linspace logspace",
        "gives integers": "argmax argmin argsort bincount bitwise_and bitwise_left_shift bitwise_not bitwise_or "
        "bitwise_right_shift bitwise_xor bucketize count_nonzero histc "
        "matrix_rank multinomial nonzero one_hot searchsorted tril_indices triu_indices",
        "gives truth values": "all any eq ge gt isclose isfinite isin isinf isnan isneginf isposinf "
        "le logical_and logical_not logical_or "
        "logical_xor lt ne",
        "constant between its jumps": "floor_divide",
        "gives a set of values": "unique unique_consecutive",
    },
}
REASONS = {
    (world, name): reason for world, groups in WHY.items() for reason, names in groups.items() for name in names.split()
}
ELSEWHERE = {  # what a test outside the tables shows
    **dict.fromkeys((("CUDA", name) for name in WHY["NumPy"][MAKES].split()), "with `device=`"),
    ("gradient", "gumbel_softmax"): "yes",
    ("second gradient", "gumbel_softmax"): "yes",
}
COLUMNS = ("NumPy", "CUDA", "gradient", "second gradient")


def worlds() -> dict[str, dict[str, bool]]:
    """Of every function in the case tables: what at least one case of it shows."""
    found: dict[str, dict[str, bool]] = {}
    for case in (case for table in report.tables() for case in table.CASES):
        shown = {
            "NumPy": case.arrays,
            "CUDA": case.cuda,
            "gradient": bool(case.grad),
            "second gradient": bool(case.grad) and case.second,
        }
        row = found.setdefault(case.function, dict.fromkeys(COLUMNS, False))
        for world, yes in shown.items():
            row[world] |= yes
    return found


def row(names: list[str], shown: dict, counts: dict) -> str:
    """A line of the table; KeyError where a "no" has no reason."""
    plain = [name.split(".")[-1] for name in names]
    cells = []
    for world in COLUMNS:
        answer = "yes" if any(shown[n][world] for n in plain if n in shown) else ELSEWHERE.get((world, plain[0]))
        cells.append(answer or f"no: {REASONS[world.removeprefix('second '), plain[0]]}")
    cells += [str(sum(counts[name][k] for name in plain if name in counts)) for k in (1, 2)]
    return " | ".join(["yes", *cells])


def index() -> str:
    """The table of all functions."""
    shown, counts = worlds(), report.count()
    files = {name: file for file, names in report.OTHERWISE.items() for name in names}
    lines = [
        "# Functions\n",
        NOTE,
        "\nEvery public function with its formula, shapes and an example that runs as a doctest. A *yes* stands where",
        "a case of the tables in `tests/cases` shows it: the function on Tensors, on NumPy arrays, on CUDA (in the",
        "simulator, which needs no GPU), its gradient and the gradient of that against differences. *Checks* counts",
        "what is derived from those cases, *refusals* the calls that must fail with a given message.\n",
    ]
    for stem, title, _ in PAGES:
        members = {name: f for name, f in functions().items() if page_of(f) == stem}
        lines += [
            f"## [{title}]({stem}.md)\n",
            "| function | Tensor | NumPy | CUDA | gradient | second gradient | checks | refusals |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for names in grouped(members).values():
            links = ", ".join(f"[{name}]({stem}.md#{anchor(names[0])})" for name in names)
            file = files.get(names[0])
            alone = file and not set(names) & set(shown)
            rest = f"[{file}](../../tests/{file}) | | | | | |" if alone else row(names, shown, counts)
            lines.append(f"| {links} | {rest} |")
        lines.append("")
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    lines.append(f"In all {total[1]} checks of {total[0]} cases, and {total[2]} refusals.")
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """The text of every file of the folder."""
    found = {"index.md": index()}
    for stem, title, _ in PAGES:
        found[f"{stem}.md"] = page(title, {name: f for name, f in functions().items() if page_of(f) == stem})
    return found


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    written = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(written)} pages in {FOLDER}")


if __name__ == "__main__":
    main()
