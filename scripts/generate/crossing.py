"""How each type of argument crosses from Go over C to C++."""

import dataclasses


@dataclasses.dataclass
class Kind:
    """How one type of argument crosses from Go over C to C++."""

    c: list[str]  # C parameters, {n} the name
    cpp: str  # C++ expression
    go: str  # Go type
    pass_c: list[str]  # Go expressions, one for each C parameter
    before: list[str] = dataclasses.field(default_factory=list)  # Go statements before the call


KINDS = {
    "Tensor": Kind(
        ["const ctorch_tensor* {n}"],
        "{n}->value",
        "*Tensor",
        ["{h}"],
        ["{h} := {n}.acquire(operation)", "defer {n}.release()"],
    ),
    "Tensor?": Kind(
        ["const ctorch_tensor* {n}"],
        "maybe({n})",
        "*Tensor",
        ["{h}"],
        ["{h} := {n}.acquireOptional(operation)", "defer {n}.release()"],
    ),
    "Tensor[]": Kind(
        ["ctorch_tensor* const* {n}", "int64_t {n}_count"],
        "tensor_vector({n}, {n}_count)",
        "[]*Tensor",
        ["{h}.pointer()", "{h}.count()"],
        ["{h} := acquireList(operation, {n})", "defer {h}.release()"],
    ),
    "Scalar": Kind(["ctorch_number {n}"], "scalar_of({n})", "Number", ["cNumber(operation, {n})"]),
    "float": Kind(["double {n}"], "{n}", "float64", ["C.double({n})"]),
    "float?": Kind(["const double* {n}"], "maybe({n})", "*float64", ["(*C.double)({n})"]),
    "int?": Kind(["const int64_t* {n}"], "maybe({n})", "*int64", ["(*C.int64_t)({n})"]),
    "int": Kind(["int64_t {n}"], "{n}", "int64", ["C.int64_t({n})"]),
    "int[]": Kind(
        ["const int64_t* {n}", "int64_t {n}_count"],
        "int_array({n}, {n}_count)",
        "[]int64",
        ["int64s({n})", "C.int64_t(len({n}))"],
    ),
    "int[]?": Kind(
        ["const int64_t* {n}", "int64_t {n}_count"],
        "maybe_array({n}, {n}_count)",
        "[]int64",
        ["int64s({n})", "C.int64_t(len({n}))"],
    ),
    "ScalarType": Kind(["int32_t {n}"], "scalar_type_of({n})", "DType", ["C.int32_t({n})"]),
    "bool": Kind(["int32_t {n}"], "{n} != 0", "bool", ["cBool({n})"]),
    "str": Kind(
        ["const char* {n}"],
        "{n}",
        "string",
        ["{h}"],
        ["{h}, free{N} := cText({n})", "defer free{N}()"],
    ),
    # An empty text is an absent one.
    "str?": Kind(
        ["const char* {n}"],
        "maybe_text({n})",
        "string",
        ["{h}"],
        ["{h}, free{N} := cText({n})", "defer free{N}()"],
    ),
    "Generator?": Kind(
        ["const ctorch_generator* {n}"],
        "generator_of({n})",
        "...*Generator",
        ["{h}"],
        [
            "source := oneGenerator(operation, {n})",
            "{h} := source.acquire(operation)",
            "defer source.release()",
        ],
    ),
}

# What C gets as a pointer to Go's memory.
ON_STACK = ("int[]", "int[]?", "int?", "float?")

# Arguments that are one of a fixed set of numbers or texts, by their names: their types in Go, whose
# methods number and text give PyTorch's.
CHOICES = {
    "int": {
        "interpolation_mode": "GridMode",
        "mode": "BagMode",
        "padding_mode": "GridPadding",
        "reduction": "Reduction",
    },
    "str": {
        "indexing": "MeshgridIndexing",
        "mode": "PadMode",
        "ord": "MatrixNormOrder",
        "reduce": "ScatterReduction",
    },
    "str?": {"norm": "FFTNorm"},
}


def choice_of(type_text: str, name: str) -> str | None:
    """The type in Go of an argument that is one of a fixed set; None for any other argument."""
    return CHOICES.get(type_text, {}).get(name)
