#!/usr/bin/env python3
"""Writes torch/testdata/operators.json: what PyTorch gives for each operator of package torch.

Each case is the call in Go (its name, the tensor it is called on, its arguments), the results of
the same call in Python's public API, and the gradients of sum(first result * weights) in the
inputs, with weights ((5 i) mod 7 - 3) / 4 for element i. Needs PyTorch; run it again when an
operator is added. The numbers are rounded inputs, so that the file stays small.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

OUTPUT = pathlib.Path(__file__).resolve().parents[2] / "torch" / "testdata" / "operators.json"

cases = []
random = torch.Generator().manual_seed(20)


class Constant:
    """A tensor argument in which no gradient is taken."""

    def __init__(self, value):
        self.value = value


class Seed:
    """A generator argument, given by its seed."""

    def __init__(self, seed):
        self.seed = seed


def normal(*shape):
    return (torch.randn(shape, generator=random) * 100).round() / 100


def uniform(*shape, low=0.1, high=0.9):
    return ((torch.rand(shape, generator=random) * (high - low) + low) * 100).round() / 100


def distinct(*shape):
    """Numbers of which no two are equal, so that orders and maxima are unambiguous."""
    count = math.prod(shape)
    return (torch.randperm(count, generator=random).float() / 4 - count / 8 + 0.1).reshape(shape)


def integers(low, high, *shape):
    return torch.randint(low, high, shape, generator=random)


def numbers(values):
    return [x if math.isfinite(x) else str(x) for x in values]


def encode(value):
    if isinstance(value, Constant):
        return encode(value.value) | {"constant": True}
    if isinstance(value, Seed):
        return {"generator": value.seed}
    if isinstance(value, torch.Tensor):
        value = value.detach()
        if value._is_zerotensor():  # has no memory
            value = value.clone()
        dtype = str(value.dtype).removeprefix("torch.")
        flat = value.resolve_conj()
        if flat.is_complex():
            flat = torch.view_as_real(flat)
        flat = flat.reshape(-1).tolist()
        if value.dtype in (torch.float32, torch.complex64):
            flat = [float(f"{x:.9g}") for x in flat]  # nine digits name a float32
        return {"dtype": dtype, "shape": list(value.shape), "data": numbers(flat)}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, float):
        return numbers([value])[0]
    return value


def materialise(value, differentiate):
    """The argument for Python, a copy in which gradients are taken where that is possible."""
    if isinstance(value, Constant):
        return value.value.clone()
    if isinstance(value, Seed):
        return torch.Generator().manual_seed(value.seed)
    if isinstance(value, torch.Tensor):
        return value.clone().requires_grad_(differentiate and value.is_floating_point())
    if isinstance(value, list) and value and isinstance(value[0], torch.Tensor):
        return [materialise(item, differentiate) for item in value]
    if isinstance(value, dict):
        return {key: materialise(item, False) for key, item in value.items()}
    return value


def leaves(arguments):
    for argument in arguments:
        if isinstance(argument, torch.Tensor):
            yield argument
        elif isinstance(argument, list):
            yield from (item for item in argument if isinstance(item, torch.Tensor))


def case(
    name, function, *arguments, gradient=True, in_place=False, signs=True, function_of_go=False
):
    """Adds a case. signs=False: results are defined up to signs, their absolute values count."""
    taken = [materialise(a, gradient and not in_place) for a in arguments]
    results = function(*taken)
    if not isinstance(results, (list, tuple)):
        results = [results]
    entry = {
        "name": name,
        "arguments": [encode(argument) for argument in arguments],
        "results": [encode(result) for result in results],
    }
    if function_of_go:
        entry["function"] = True
    if in_place:
        entry["in_place"] = True
    if not signs:
        entry["up_to_sign"] = True
    first = results[0]
    if isinstance(first, torch.Tensor) and first.requires_grad and signs:
        count = torch.arange(first.numel())
        weights = (((5 * count) % 7 - 3) / 4).reshape(first.shape).to(first.dtype)
        inputs = [leaf for leaf in leaves(taken) if leaf.requires_grad]
        loss = (first * weights).sum()
        gradients = torch.autograd.grad(loss.real, inputs, allow_unused=True)
        if all(g is None or torch.isfinite(g).all() for g in gradients):
            entry["gradients"] = [None if g is None else encode(g) for g in gradients]
    cases.append(entry)


def func(name, function, *arguments, **options):
    """A case of what is a function in Go, no method."""
    case(name, function, *arguments, function_of_go=True, **options)


def arithmetic():
    a, b, row = normal(2, 3), uniform(2, 3, low=0.5, high=2), uniform(3, low=0.5, high=2)
    i, j = integers(-9, 10, 2, 3), integers(1, 5, 2, 3)
    for name, f in {
        "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div,
        "FloorDivide": torch.floor_divide, "Remainder": torch.remainder, "FMod": torch.fmod,
    }.items():
        smooth = name != "FloorDivide"  # PyTorch has no derivative of it
        case(name, f, a, row, gradient=smooth)
        case(name, f, i, j)
        case(name + "Scalar", f, a, 0.75, gradient=smooth)
        case(name + "Scalar", f, i, 2)
    case("AddScalar", torch.add, i, 0.5)
    case("AddScalar", torch.add, Constant(i > 0), 1)
    case("RSubScalar", torch.rsub, a, 2.5)
    case("AddScaled", lambda t, o, s: torch.add(t, o, alpha=s), a, b, -0.5)
    case("Pow", torch.pow, b, a)
    case("PowScalar", torch.pow, a, 3)
    case("PowScalar", torch.pow, i, 2)
    case("PowScalar", torch.pow, b, 0.5)
    case("FloatPower", torch.float_power, i, 2.5, gradient=False)
    case("CopySign", torch.copysign, a, normal(2, 3))
    case(
        "Heaviside",
        torch.heaviside,
        torch.tensor([-2.0, 0.0, 3.0]),
        Constant(torch.tensor(0.5)),
        gradient=False,
    )
    case("Atan2", torch.atan2, a, b)
    case("Hypot", torch.hypot, a, b)
    case("Lerp", torch.lerp, a, b, 0.25)
    case("LerpTensor", torch.lerp, a, b, uniform(2, 3))
    case("AddCMul", lambda t, x, y, v: torch.addcmul(t, x, y, value=v), a, b, row, 0.5)
    case("AddCDiv", lambda t, x, y, v: torch.addcdiv(t, x, y, value=v), a, b, row, 0.5)
    case("LogAddExp", torch.logaddexp, a, b)
    case("XLogY", torch.xlogy, a, b)
    x, y = distinct(2, 3), distinct(2, 3) + 0.05
    case("Maximum", torch.maximum, x, y)
    case("Minimum", torch.minimum, x, y)
    case("Clamp", torch.clamp, x, -0.5, 0.25)
    case("Clamp", torch.clamp, i, -2, 3)
    case("ClampMin", torch.clamp_min, x, -0.3)
    case("ClampMax", torch.clamp_max, x, 0.3)
    case("ClampTensor", torch.clamp, x, row - 2, row - 1)
    case("ClampTensor", torch.clamp, x, row - 1, None)
    trunc = lambda t, o: torch.div(t, o, rounding_mode="trunc")
    case("TruncDivide", trunc, a, row)
    case("TruncDivide", trunc, i, j)
    case("TruncDivideScalar", trunc, a, 0.75)
    case("TruncDivideScalar", trunc, i, 2)
    case("RPowScalar", lambda t, base: torch.pow(base, t), a, 2.5)
    case("RPowScalar", lambda t, base: torch.pow(base, t), j, 2)
    case("LogAddExp2", torch.logaddexp2, a, b)
    case("XLog1PY", torch.special.xlog1py, a, b)
    case("GCD", torch.gcd, i, j)
    case("LCM", torch.lcm, i, j)
    case("NextAfter", torch.nextafter, a, b, gradient=False)
    # PyTorch 2.13 takes the gradient at negative whole exponents for 0.
    case("LdExp", torch.ldexp, a, Constant(torch.tensor([1, -2, 3])), gradient=False)
    case("LdExp", torch.ldexp, a, Constant(torch.tensor([1.0, -2.0, 3.0])))
    some = x.clone()
    some[0, 1] = math.nan
    case("FMax", torch.fmax, some, y, gradient=False)
    case("FMin", torch.fmin, some, y, gradient=False)
    case("FMax", torch.fmax, x, y)
    case("FMin", torch.fmin, x, y)


def creation():
    func("Logspace", lambda a, b, n, base: torch.logspace(a, b, n, base), -1.0, 2.0, 5, 10.0)
    func("Logspace", lambda a, b, n, base: torch.logspace(a, b, n, base), 0.0, 3.0, 4, 2.0)
    func("TrilIndices", torch.tril_indices, 3, 4, 1)
    func("TriuIndices", torch.triu_indices, 3, 4, -1)
    for go, f in [
        ("HannWindow", torch.hann_window), ("HammingWindow", torch.hamming_window),
        ("BlackmanWindow", torch.blackman_window), ("BartlettWindow", torch.bartlett_window),
    ]:
        func(go, lambda n, periodic, f=f: f(n, periodic), 6, True)
        func(go, lambda n, periodic, f=f: f(n, periodic), 5, False)
    func("KaiserWindow", torch.kaiser_window, 6, True, 12.0)
    func("FFTFreq", torch.fft.fftfreq, 5, 0.5)
    func("RFFTFreq", torch.fft.rfftfreq, 6, 0.25)
    x = torch.zeros(2, 3, dtype=torch.float64)
    case("NewZeros", lambda t, s: t.new_zeros(s), Constant(x), [2, 2])
    case("NewOnes", lambda t, s: t.new_ones(s), Constant(x), [3])
    case("NewFull", lambda t, s, v: t.new_full(s, v), Constant(x), [2, 2], 1.5)
    case("NewFull", lambda t, s, v: t.new_full(s, v), integers(0, 2, 3), [2], 7)
    case("NewEmpty", lambda t, s: t.new_empty(s), Constant(x), [0, 4])


def element_by_element():
    anywhere = torch.tensor([[-2.25, -0.5, 0.3], [0.75, 1.6, 3.2]])
    positive = torch.tensor([[0.2, 0.5, 0.9], [1.1, 1.6, 3.2]])
    inside = torch.tensor([[-0.9, -0.5, -0.1], [0.2, 0.6, 0.95]])
    share = torch.tensor([[0.05, 0.2, 0.4], [0.5, 0.7, 0.95]])
    above_one = positive + 1
    for go, f, x in [
        ("Abs", torch.abs, anywhere), ("Neg", torch.neg, anywhere), ("Sign", torch.sign, anywhere),
        ("Exp", torch.exp, anywhere), ("Exp2", torch.exp2, anywhere),
        ("Expm1", torch.expm1, anywhere),
        ("Log", torch.log, positive), ("Log2", torch.log2, positive),
        ("Log10", torch.log10, positive),
        ("Log1p", torch.log1p, positive), ("Sqrt", torch.sqrt, positive),
        ("RSqrt", torch.rsqrt, positive),
        ("Square", torch.square, anywhere), ("Reciprocal", torch.reciprocal, anywhere),
        ("Sin", torch.sin, anywhere), ("Cos", torch.cos, anywhere), ("Tan", torch.tan, inside),
        ("Asin", torch.asin, inside), ("Acos", torch.acos, inside), ("Atan", torch.atan, anywhere),
        ("Sinh", torch.sinh, anywhere), ("Cosh", torch.cosh, anywhere),
        ("Tanh", torch.tanh, anywhere),
        ("Asinh", torch.asinh, anywhere), ("Acosh", torch.acosh, above_one),
        ("Atanh", torch.atanh, inside),
        ("Sinc", torch.sinc, anywhere), ("Floor", torch.floor, anywhere),
        ("Ceil", torch.ceil, anywhere),
        ("Round", torch.round, anywhere), ("Trunc", torch.trunc, anywhere),
        ("Frac", torch.frac, anywhere),
        ("Erf", torch.erf, anywhere), ("Erfc", torch.erfc, anywhere),
        ("Erfinv", torch.erfinv, inside),
        ("Lgamma", torch.lgamma, positive), ("Digamma", torch.digamma, positive),
        ("Logit", torch.logit, share),
        ("ReLU", torch.relu, anywhere), ("ReLU6", F.relu6, anywhere * 3),
        ("SELU", F.selu, anywhere),
        ("GELU", F.gelu, anywhere), ("GELUTanh", lambda t: F.gelu(t, approximate="tanh"), anywhere),
        ("SiLU", F.silu, anywhere), ("Mish", F.mish, anywhere),
        ("Sigmoid", torch.sigmoid, anywhere),
        ("LogSigmoid", F.logsigmoid, anywhere), ("Hardsigmoid", F.hardsigmoid, anywhere),
        ("Hardswish", F.hardswish, anywhere),
        ("ZerosLike", torch.zeros_like, anywhere), ("OnesLike", torch.ones_like, anywhere),
        ("Sgn", torch.sgn, anywhere), ("SignBit", torch.signbit, anywhere),
        ("Deg2Rad", torch.deg2rad, anywhere), ("Rad2Deg", torch.rad2deg, anywhere),
        ("FRExp", torch.frexp, anywhere.detach().clone()),
        ("Erfcx", torch.special.erfcx, anywhere), ("NDTR", torch.special.ndtr, anywhere),
        ("NDTRI", torch.special.ndtri, share), ("LogNDTR", torch.special.log_ndtr, anywhere),
        ("Entr", torch.special.entr, positive), ("I0", torch.i0, anywhere),
        ("I0E", torch.special.i0e, anywhere), ("I1", torch.special.i1, anywhere),
        ("Tanhshrink", F.tanhshrink, anywhere), ("Softsign", F.softsign, anywhere),
        ("Clone", torch.clone, anywhere), ("Contiguous", lambda t: t.contiguous(), anywhere),
        ("Detach", lambda t: t.detach(), anywhere),
    ]:
        case(go, f, x)
    case("EmptyLike", lambda t: torch.empty_like(t), torch.zeros(0, 3))
    case("FullLike", torch.full_like, anywhere, 2.5)
    case("FullLike", torch.full_like, integers(0, 5, 2, 2), 7)
    special = torch.tensor([math.nan, math.inf, -math.inf, 0.0, 1.5])
    case("NaNToNum", torch.nan_to_num, special, 1.0, 2.0, -3.0, gradient=False)
    for go, f in [("IsNaN", torch.isnan), ("IsInf", torch.isinf), ("IsFinite", torch.isfinite),
                  ("IsPosInf", torch.isposinf), ("IsNegInf", torch.isneginf),
                  ("IsReal", torch.isreal)]:
        case(go, f, special)
    for go, f, arguments in [
        ("LeakyReLU", F.leaky_relu, (0.1,)), ("ELU", F.elu, (0.7,)), ("CELU", F.celu, (0.7,)),
        ("Hardtanh", F.hardtanh, (-1.0, 2.0)), ("Softplus", F.softplus, (2.0, 5.0)),
        ("Softshrink", F.softshrink, (0.4,)), ("Threshold", F.threshold, (0.5, -7.0)),
        ("Hardshrink", F.hardshrink, (0.6,)), ("Softmin", F.softmin, (1,)),
        ("RoundDecimals", lambda t, n: torch.round(t, decimals=n), (1,)),
        ("Softmax", torch.softmax, (1,)), ("LogSoftmax", torch.log_softmax, (0,)),
    ]:
        case(go, f, anywhere, *arguments)
    case("PolyGamma", lambda t, n: torch.polygamma(n, t), positive, 1)
    case("MVLGamma", torch.mvlgamma, above_one, 2)
    case("RReLU", lambda t, a, b, train, g: F.rrelu(t, a, b, train), anywhere, 0.1, 0.3, False, None)
    case("GLU", F.glu, normal(2, 4), 1)
    case("PReLU", F.prelu, normal(2, 3), torch.tensor([0.1, 0.2, 0.3]))
    case("Dropout", F.dropout, anywhere, 0.5, False)
    case("Dropout", F.dropout, anywhere, 0.0, True)
    images = normal(2, 3, 2)
    for go, f in [
        ("FeatureDropout", torch.feature_dropout), ("AlphaDropout", F.alpha_dropout),
        ("FeatureAlphaDropout", F.feature_alpha_dropout),
    ]:
        case(go, f, images, 0.5, False)
        case(go, f, images, 0.0, True)


def complex_numbers():
    pairs = normal(2, 3, 2)
    z = torch.view_as_complex(pairs)
    func("Complex", torch.complex, normal(2, 3), normal(2, 3), gradient=False)
    func("Polar", torch.polar, uniform(2, 3), normal(2, 3), gradient=False)
    case("ViewAsComplex", torch.view_as_complex, pairs, gradient=False)
    case("ViewAsReal", torch.view_as_real, z)
    case("Real", torch.real, z)
    case("Imag", torch.imag, z)
    case("Angle", torch.angle, z)
    case("Conj", torch.conj, z)
    case("Abs", torch.abs, z)
    case("Sgn", torch.sgn, z)
    case("IsReal", torch.isreal, z)
    case("Adjoint", torch.adjoint, z)
    case("ResolveConj", torch.resolve_conj, z)
    case("VDot", torch.vdot, z[0].clone(), z[1].clone())
    case("VecDot", lambda t, o, d: torch.linalg.vecdot(t, o, dim=d), z, z.flip(0).clone(), 1)


def comparison():
    a = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    b = torch.tensor([[1.0, 3.0, 2.0], [4.0, 7.0, 0.0]])
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        case(name.capitalize(), getattr(torch, name), a, b)
        case(name.capitalize() + "Scalar", getattr(torch, name), a, 3.0)
        case(name.capitalize() + "Scalar", getattr(torch, name), a.long(), 3.0)
    near = a + 0.001
    case("IsClose", lambda t, o, r, d: torch.isclose(t, o, r, d), a, near, 0.0005, 0.0)
    for other in (near, b):
        case("AllClose", lambda t, o, r, d: torch.allclose(t, o, r, d), a, other, 0.001, 0.001)
    case("Equal", torch.equal, a, a.clone())
    case("Equal", torch.equal, a, b)
    case("Equal", torch.equal, a, a[0])
    case("IsIn", torch.isin, a, torch.tensor([2.0, 6.0]))
    p, q = a > 2, b > 2
    for go, f in [
        ("LogicalAnd", torch.logical_and), ("LogicalOr", torch.logical_or),
        ("LogicalXor", torch.logical_xor),
        ("BitwiseAnd", torch.bitwise_and), ("BitwiseOr", torch.bitwise_or),
        ("BitwiseXor", torch.bitwise_xor),
    ]:
        case(go, f, p, q)
        if go.startswith("Bitwise"):
            case(go, f, a.long(), b.long())
    case("LogicalNot", torch.logical_not, b)
    case("BitwiseNot", torch.bitwise_not, p)
    case("BitwiseNot", torch.bitwise_not, a.long())
    for go, f in [
        ("BitwiseAndScalar", torch.bitwise_and), ("BitwiseOrScalar", torch.bitwise_or),
        ("BitwiseXorScalar", torch.bitwise_xor),
    ]:
        case(go, f, a.long(), 3)
    case("BitwiseLeftShift", torch.bitwise_left_shift, a.long(), b.long())
    case("BitwiseRightShift", torch.bitwise_right_shift, a.long() * -9, b.long())
    for go, f in [("All", torch.all), ("Any", torch.any)]:
        case(go, f, p)
        case(go + "Dim", f, p, 1, True)
        case(go + "Dim", f, p, 0, False)
    func("Where", torch.where, p, a, b[0])
    func("WhereScalar", torch.where, p, a, -1.5)
    func("WhereScalar", torch.where, p, a.long(), -1)


def reduction():
    x, d = normal(2, 3, 4), distinct(3, 4)
    i = integers(-5, 6, 2, 3)
    for name in ("sum", "mean", "prod"):
        case(name.capitalize(), getattr(torch, name), x)
    case("Sum", torch.sum, i)
    case("Sum", torch.sum, i > 0)
    case("SumDim", lambda t, dims, keep: torch.sum(t, dims, keep), x, [0, 2], True)
    case("SumDim", lambda t, dims, keep: torch.sum(t, dims, keep), x, [-1], False)
    case("MeanDim", lambda t, dims, keep: torch.mean(t, dims, keep), x, [1, 2], False)
    case("ProdDim", torch.prod, x, 1, True)
    holes = x.clone()
    holes[0, 1] = math.nan
    holes[1, 2, 3] = math.nan
    for go, f in [("NaNSum", torch.nansum), ("NaNMean", torch.nanmean)]:
        case(go, f, holes, [0], False, gradient=False)
        case(go, f, holes, None, False, gradient=False)
    for go, f in [("Var", torch.var), ("Std", torch.std)]:
        case(go, f, x, True)
        case(go, f, x, False)
        case(go + "Dim", f, x, [1, 2], False, True)
        case(go + "Dim", f, x, [0], True, False)
    for go, f in [("VarMeanDim", torch.var_mean), ("StdMeanDim", torch.std_mean)]:
        case(go, f, x, [1, 2], False, True)
        case(go, f, x, [0], True, False)
    for go, f in [("Max", torch.max), ("Min", torch.min)]:
        case(go, f, d)
        case(go + "Dim", f, d, 1, False)
        case(go + "Dim", f, d, 0, True)
    for go, f in [("AMax", torch.amax), ("AMin", torch.amin)]:
        case(go, lambda t, dims, keep, f=f: f(t, dims or (), keep), d, [1], True)
        case(go, lambda t, dims, keep, f=f: f(t, dims or (), keep), d, None, False)
    # libtorch 2.7 has no derivative of aminmax.
    aminmax = lambda t, dim, keep: torch.aminmax(t, dim=dim, keepdim=keep)
    case("AMinMax", aminmax, d, 0, False, gradient=False)
    for go, f in [("ArgMax", torch.argmax), ("ArgMin", torch.argmin)]:
        case(go, f, d, 1, False)
        case(go, f, d, -2, True)
    case("Median", torch.median, d)
    case("MedianDim", torch.median, d, 1, False)
    case("Mode", torch.mode, torch.tensor([[1, 2, 2, 3], [4, 4, 4, 5]]), 1, False)
    case("Quantile", torch.quantile, d, Constant(torch.tensor([0.25, 0.6])), 1, False)
    some = d.clone()
    some[0, 1] = math.nan
    case("NaNMedian", torch.nanmedian, some, gradient=False)
    case("NaNMedianDim", torch.nanmedian, some, 1, True, gradient=False)
    case("NaNQuantile", torch.nanquantile, some, Constant(torch.tensor([0.25])), 1, True, gradient=False)
    case("Dist", torch.dist, x, normal(2, 3, 4), 2)
    case("ReNorm", torch.renorm, x, 2, 1, 1.5)
    case("Gradient", lambda t, h, dims: torch.gradient(t, spacing=h, dim=dims), x, 0.5, [1, 2])
    case("LogSumExp", torch.logsumexp, x, [0, 2], True)
    case("Norm", torch.norm, x, 2)
    case("Norm", torch.norm, x, 3.5)
    case("NormDim", lambda t, p, dims, keep: torch.norm(t, p, dims, keep), x, 2, [1], True)
    case("NormDim", lambda t, p, dims, keep: torch.norm(t, p, dims, keep), x, 1, [0, 2], False)
    case("CountNonZero", torch.count_nonzero, i, [1])
    case("CumSum", torch.cumsum, x, 1)
    case("CumProd", torch.cumprod, x, -1)
    case("CumMax", torch.cummax, d, 1)
    case("CumMin", torch.cummin, d, 0)
    case("LogCumSumExp", torch.logcumsumexp, x, 2)
    case("Diff", lambda t, n, dim: torch.diff(t, n, dim), x, 2, 2)
    case("Trace", torch.trace, normal(3, 3))
    case("Cov", torch.cov, normal(2, 5))
    case("CorrCoef", torch.corrcoef, normal(2, 5))
    case("TrapezoidAt", lambda t, p, dim: torch.trapezoid(t, p, dim=dim), x, normal(4).sort()[0], 2)
    case(
        "CumulativeTrapezoid",
        lambda t, dx, dim: torch.cumulative_trapezoid(t, dx=dx, dim=dim),
        x,
        0.5,
        1,
    )
    case("Trapezoid", lambda t, dx, dim: torch.trapezoid(t, dx=dx, dim=dim), x, 0.5, 1)


def sorting():
    d = distinct(3, 5)
    repeated = torch.tensor([[3, 1, 2, 1], [2, 2, 5, 0]])
    case("Sort", torch.sort, d, 1, False)
    case("Sort", torch.sort, d, 0, True)
    case(
        "SortStable",
        lambda t, dim, down: torch.sort(t, dim=dim, descending=down, stable=True),
        repeated,
        1,
        False,
    )
    case("ArgSort", torch.argsort, d, 1, True)
    case(
        "ArgSortStable",
        lambda t, dim, down: torch.argsort(t, dim=dim, descending=down, stable=True),
        repeated,
        1,
        False,
    )
    case("TopK", torch.topk, d, 2, 1, True)
    case("TopK", torch.topk, d, 3, -1, False)
    case("KthValue", torch.kthvalue, d, 2, 1, True)
    case("Unique", lambda t: torch.unique(t, return_inverse=True, return_counts=True), repeated)
    case(
        "UniqueConsecutive",
        lambda t: torch.unique_consecutive(t, return_inverse=True, return_counts=True),
        repeated,
    )
    case(
        "UniqueDim",
        lambda t, dim: torch.unique(t, dim=dim, return_inverse=True, return_counts=True),
        torch.tensor([[3, 1], [2, 2], [3, 1]]),
        0,
    )
    case("NonZero", torch.nonzero, repeated)
    case("Bincount", torch.bincount, repeated.flatten(), None, 8)
    case("Bincount", torch.bincount, repeated.flatten(), Constant(uniform(8)), 0)
    case("Histc", torch.histc, Constant(d), 4, -1.0, 1.5)
    histogram = lambda t, b, w, density: torch.histogram(t, b, weight=w, density=density)
    edges = Constant(torch.tensor([-1.5, -0.5, 0.0, 2.0]))
    case("Histogram", histogram, Constant(d), edges, None, False)
    case("Histogram", histogram, Constant(d), edges, Constant(uniform(3, 5)), True)
    ordered = torch.tensor([1.0, 2.0, 2.0, 4.0])
    values = torch.tensor([[0.5, 2.0], [3.0, 9.0]])
    for right in (False, True):
        case(
            "SearchSorted",
            lambda t, v, r: torch.searchsorted(t, v, right=r),
            ordered,
            values,
            right,
        )
        case("Bucketize", lambda t, b, r: torch.bucketize(t, b, right=r), values, ordered, right)


def shape():
    x = normal(2, 3, 4)
    case("Reshape", lambda t, s: t.reshape(s), x, [4, -1])
    case("Reshape", lambda t, s: t.reshape(s), normal(1, 1), [])
    case("View", lambda t, s: t.view(s), x, [6, 4])
    case("ViewAs", lambda t, o: t.view_as(o), x, Constant(torch.zeros(6, 4)))
    case("ReshapeAs", lambda t, o: t.reshape_as(o), x.mT, Constant(torch.zeros(6, 4)))
    case("Flatten", torch.flatten, x, 1, -1)
    case("Unflatten", torch.unflatten, x, 2, [2, 2])
    case("Permute", torch.permute, x, [2, 0, 1])
    case("Transpose", torch.transpose, x, 0, -1)
    case("T", torch.t, x[0])
    case("MT", lambda t: t.mT, x)
    case("MoveDim", torch.movedim, x, 0, 2)
    case("MoveDims", torch.movedim, x, [0, 1], [2, 0])
    case("Adjoint", torch.adjoint, x)
    case("Unsqueeze", torch.unsqueeze, x, 1)
    one = normal(1, 3, 1)
    case("Squeeze", torch.squeeze, one)
    case("SqueezeDim", torch.squeeze, one, 2)
    case("SqueezeDims", torch.squeeze, one, [0, 1, 2])
    case("Expand", lambda t, s: t.expand(s), one, [2, -1, 4])
    case("ExpandAs", lambda t, o: t.expand_as(o), one, Constant(x))
    case("BroadcastTo", lambda t, s: torch.broadcast_to(t, s), one, [2, 3, 4])
    func("BroadcastTensors", lambda t: torch.broadcast_tensors(*t), [normal(2, 1), normal(3)])
    case("Repeat", lambda t, r: t.repeat(r), x[0], [2, 1, 2])
    case("RepeatInterleave", torch.repeat_interleave, x, 2, 1)
    case("RepeatInterleaveEach", torch.repeat_interleave, x, torch.tensor([2, 0, 1]), 1)
    case("Tile", torch.tile, x[0], [1, 2])
    case("Flip", torch.flip, x, [0, 2])
    case("Roll", torch.roll, x, [1, -1], [1, 2])
    case("Rot90", torch.rot90, x, 1, [1, 2])
    case(
        "ChannelsLast",
        lambda t: t.contiguous(memory_format=torch.channels_last),
        normal(1, 2, 2, 3),
    )
    case("AsStrided", torch.as_strided, normal(12), [2, 3], [1, 4])
    case("Unfold", lambda t, *a: t.unfold(*a), x, 2, 2, 1)
    case("Diagonal", torch.diagonal, x, 1, 1, 2)
    case("Diag", torch.diag, normal(3), 1)
    case("Diag", torch.diag, normal(3, 3), 0)
    case("DiagEmbed", torch.diag_embed, normal(2, 3), 0, -2, -1)
    case("Tril", torch.tril, x, 0)
    case("Tril", torch.tril, x, 1)
    case("Triu", torch.triu, x, -1)
    func("Cat", torch.cat, [x, normal(2, 2, 4)], 1)
    func("Stack", torch.stack, [x[0], x[1]], -1)
    func("HStack", torch.hstack, [normal(2, 3), normal(2, 1)])
    func("VStack", torch.vstack, [normal(2, 3), normal(1, 3)])
    func("DStack", torch.dstack, [normal(2, 3), normal(2, 3)])
    func("ColumnStack", torch.column_stack, [normal(2), normal(2, 2)])
    case("TensorSplit", torch.tensor_split, x, 3, 2)
    case("TensorSplitAt", torch.tensor_split, x, [1, 3], 2)
    case("Combinations", torch.combinations, normal(4), 2, False)
    case("Combinations", torch.combinations, normal(3), 2, True)
    case("Split", torch.split, x, 3, 2)
    case("SplitSizes", torch.split, x, [1, 3], 2)
    case("Chunk", torch.chunk, x, 2, 1)
    case("Unbind", torch.unbind, x, 1)
    for indexing in ("ij", "xy"):
        func(
            "Meshgrid",
            lambda t, i: torch.meshgrid(*t, indexing=i),
            [normal(2), normal(3)],
            indexing,
        )
    func("CartesianProd", lambda t: torch.cartesian_prod(*t), [normal(2), normal(3)])


def indexing():
    x = normal(3, 4)
    index = torch.tensor([[0, 2, 1], [3, 0, 0]])
    rows = torch.tensor([2, 0])
    mask = torch.tensor([[True, False, True, False]] * 3)
    case("Select", torch.select, x, 1, -1)
    case("Slice", lambda t, d, a, b, s: t[:, a:b:s], x, 1, 1, 4, 2)
    case("Slice", lambda t, d, a, b, s: t[a:], x, 0, -2, 2**63 - 1, 1)
    case("Narrow", torch.narrow, x, 1, 1, 2)
    case("IndexSelect", torch.index_select, x, 0, rows)
    case("Gather", torch.gather, x, 1, index)
    case("TakeAlongDim", torch.take_along_dim, x, torch.argsort(x, 1), 1)
    case("Take", torch.take, x, torch.tensor([0, 11, 5]))
    source, half = normal(2, 3), normal(2, 4)
    unique = torch.tensor([[0, 2, 1], [3, 0, 1]])
    case("Scatter", torch.scatter, x, 1, unique, source)
    case("ScatterScalar", torch.scatter, x, 1, index, 2.5)
    case("ScatterAdd", torch.scatter_add, x, 1, index, source)
    for reduce in ("sum", "mean", "amax"):
        case(
            "ScatterReduce",
            lambda t, d, i, s, r, k: t.scatter_reduce(d, i, s, r, include_self=k),
            x,
            1,
            index,
            source,
            reduce,
            reduce == "sum",
        )
    case("IndexAdd", torch.index_add, x, 0, rows, half)
    case("IndexCopy", torch.index_copy, x, 0, rows, half)
    case("IndexFill", torch.index_fill, x, 0, rows, -1.5)
    case("IndexReduce", lambda t, d, i, s, r, k: t.index_reduce(d, i, s, r, include_self=k), x, 0, rows, half, "amax", True)
    case("IndexReduce", lambda t, d, i, s, r, k: t.index_reduce(d, i, s, r, include_self=k), x, 0, rows, half, "mean", False)
    places = torch.tensor([0, 11, 5])
    case("Put", lambda t, i, s, a: t.put(i, s, a), x, places, normal(3), False)
    case("Put", lambda t, i, s, a: t.put(i, s, a), x, torch.tensor([0, 0, 5]), normal(3), True)
    case("SelectScatter", torch.select_scatter, x, normal(3), 1, -1)
    case(
        "SliceScatter",
        lambda t, s, d, a, b, n: torch.slice_scatter(t, s, d, a, b, n),
        x, normal(3, 2), 1, 1, 2**63 - 1, 2,
    )
    case("DiagonalScatter", torch.diagonal_scatter, x, normal(3), 1, 0, 1)
    case("MaskedFillTensor", torch.masked_fill, x, mask, normal(1)[0])
    case("MaskedSelect", torch.masked_select, x, mask)
    case("MaskedFill", torch.masked_fill, x, mask, -math.inf, gradient=False)
    case("MaskedFill", torch.masked_fill, x, mask, 2.5)
    case("MaskedScatter", torch.masked_scatter, x, mask, normal(6))
    case("OneHot", F.one_hot, index, 5)
    case("OneHot", F.one_hot, index, -1)
    func("Embedding", lambda w, i: F.embedding(i, w), normal(4, 3), index)
    func(
        "EmbeddingWithPadding",
        lambda w, i, p: F.embedding(i, w, padding_idx=p),
        normal(4, 3),
        index,
        2,
    )
    bag = lambda w, i, at, o: F.embedding_bag(
        i, w, at, mode=o.get("Mode", "mean"), per_sample_weights=o.get("Weights")
    )
    table = distinct(4, 3)
    for mode in ("mean", "sum", "max"):
        func("EmbeddingBag", bag, table, index, None, {"Mode": mode})
        func("EmbeddingBag", bag, table, index.flatten(), torch.tensor([0, 2]), {"Mode": mode})
    func("EmbeddingBag", bag, table, index, None, {"Mode": "sum", "Weights": uniform(2, 3)})
    func("EmbeddingBag", bag, table, index, None, {})
    for go, f in [
        ("ScatterInPlace", "scatter_"), ("ScatterAddInPlace", "scatter_add_"),
    ]:
        case(go, lambda t, *a, f=f: getattr(t, f)(*a), x, 1, unique, source, in_place=True)
    for go, f in [("IndexAddInPlace", "index_add_"), ("IndexCopyInPlace", "index_copy_")]:
        case(go, lambda t, *a, f=f: getattr(t, f)(*a), x, 0, rows, half, in_place=True)
    case("ScatterReduceInPlace", lambda t, d, i, s, r, k: t.scatter_reduce_(d, i, s, r, include_self=k), x, 1, index, source, "prod", True, in_place=True)
    case("MaskedFillTensorInPlace", lambda t, *a: t.masked_fill_(*a), x, mask, normal(1)[0], in_place=True)
    case("MaskedScatterInPlace", lambda t, *a: t.masked_scatter_(*a), x, mask, normal(6), in_place=True)
    case("IndexFillInPlace", lambda t, *a: t.index_fill_(*a), x, 0, rows, 0.5, in_place=True)
    case("MaskedFillInPlace", lambda t, *a: t.masked_fill_(*a), x, mask, 0.5, in_place=True)


def linear_algebra():
    a, b = normal(2, 3), normal(3, 4)
    batch, other = normal(2, 2, 3), normal(2, 3, 2)
    case("MatMul", torch.matmul, a, b)
    case("MatMul", torch.matmul, batch, b)
    case("MatMul", torch.matmul, a, normal(3))
    case("MM", torch.mm, a, b)
    case("BMM", torch.bmm, batch, other)
    case("MV", torch.mv, a, normal(3))
    case("Dot", torch.dot, normal(4), normal(4))
    case("Outer", torch.outer, normal(2), normal(3))
    case("VDot", torch.vdot, normal(4), normal(4))
    case("VecDot", lambda t, o, d: torch.linalg.vecdot(t, o, dim=d), a, normal(2, 3), 0)
    scaled = lambda f: lambda t, x, y, s, r: f(t, x, y, beta=s, alpha=r)
    case("AddMV", scaled(torch.addmv), normal(2), a, normal(3), 0.5, 2.0)
    case("AddR", scaled(torch.addr), normal(2, 3), normal(2), normal(3), 0.5, 2.0)
    case("AddBMM", scaled(torch.addbmm), normal(2, 2), batch, other, 0.5, 2.0)
    case(
        "AddMM",
        lambda t, x, y, s, r: torch.addmm(t, x, y, beta=s, alpha=r),
        normal(2, 4),
        a,
        b,
        0.5,
        2.0,
    )
    case(
        "BAddBMM",
        lambda t, x, y, s, r: torch.baddbmm(t, x, y, beta=s, alpha=r),
        normal(2, 2, 2),
        batch,
        other,
        0.5,
        2.0,
    )
    func("Einsum", torch.einsum, "ij,jk->ki", [a, b])
    func("Einsum", torch.einsum, "bij,bjk->bik", [batch, other])
    case("Inner", torch.inner, a, normal(4, 3))
    case(
        "TensorDot", lambda t, o, d, e: torch.tensordot(t, o, (d, e)), batch, other, [0, 2], [0, 1]
    )
    func("MultiDot", torch.linalg.multi_dot, [a, b, normal(4, 2)])
    func("BlockDiag", lambda t: torch.block_diag(*t), [a, normal(1, 2)])
    case("Kron", torch.kron, a, normal(2, 2))
    case("Cross", lambda t, o, d: torch.linalg.cross(t, o, dim=d), normal(2, 3), normal(2, 3), 1)
    square = normal(2, 3, 3) + 3 * torch.eye(3)
    definite = square @ square.mT + torch.eye(3)
    definite = (definite * 100).round() / 100
    case("Det", torch.linalg.det, square)
    case("SLogDet", torch.linalg.slogdet, square)
    case("LogDet", torch.logdet, definite)
    case("EigValsH", torch.linalg.eigvalsh, definite)
    factor = torch.linalg.cholesky(definite)
    case("CholeskySolve", torch.cholesky_solve, normal(2, 3, 2), factor, False)
    case("CholeskyInverse", torch.cholesky_inverse, factor, False)
    case("Cond", torch.linalg.cond, square, 2.0)
    case("Cond", torch.linalg.cond, square, 1.0, gradient=False)  # has none in PyTorch
    case("TensorSolve", torch.linalg.tensorsolve, normal(2, 3, 6), normal(2, 3), None)
    case("TensorInv", torch.linalg.tensorinv, normal(6, 2, 3), 1)
    reflectors, tau = torch.geqrf(normal(3, 2))
    case("HouseholderProduct", torch.linalg.householder_product, reflectors, tau)
    case("Vander", lambda t, n: torch.linalg.vander(t, N=n), normal(2, 3), 4)
    case("Inverse", torch.linalg.inv, square)
    case("PInverse", torch.linalg.pinv, normal(3, 2))
    case("Solve", torch.linalg.solve, square, normal(2, 3, 2))
    case(
        "SolveTriangular",
        lambda t, y, u: torch.linalg.solve_triangular(t, y, upper=u),
        square,
        normal(2, 3, 2),
        True,
    )
    case(
        "LstSq",
        lambda t, b: torch.linalg.lstsq(t, b, driver="gelsd"),
        normal(4, 2),
        normal(4, 1),
        gradient=False,
    )
    case("LU", torch.linalg.lu, square)
    case("Eig", torch.linalg.eig, torch.tensor([[1.0, 2.0], [0.0, 3.0]]), signs=False)
    case("MatrixExp", torch.linalg.matrix_exp, normal(3, 3))
    case("MatrixPower", torch.linalg.matrix_power, normal(3, 3), 3)
    case("MatrixRank", lambda t, tol: torch.linalg.matrix_rank(t, tol), torch.ones(3, 3), 0.001)
    case("SVD", torch.linalg.svd, normal(3, 2), False, signs=False)
    case("SVDVals", torch.linalg.svdvals, normal(3, 2))
    case("QR", torch.linalg.qr, normal(3, 2), signs=False)
    case("Cholesky", torch.linalg.cholesky, definite)
    case("EigH", torch.linalg.eigh, definite, signs=False)
    case(
        "EigVals",
        lambda t: torch.linalg.eigvals(t),
        torch.tensor([[0.0, -2.0], [2.0, 0.0]]),
        signs=False,
    )
    x = normal(2, 3, 4)
    norm = torch.linalg.vector_norm
    case("VectorNorm", norm, x, 2, [1], True)
    case("VectorNorm", norm, x, math.inf, [0, 2], False, gradient=False)
    case("VectorNorm", norm, x, 1, None, False)
    case("MatrixNorm", torch.linalg.matrix_norm, x, "fro")
    case("MatrixNorm", torch.linalg.matrix_norm, x, "nuc")
    for order in (1.0, 2.0, -2.0, math.inf):
        case("MatrixNormOrd", torch.linalg.matrix_norm, x, order, [0, 2], order > 0)
    case("PDist", F.pdist, normal(4, 3), 2.0)
    case("PairwiseDistance", F.pairwise_distance, a, normal(2, 3), 2.0, 1e-6, True)
    case("Bilinear", F.bilinear, normal(2, 3), normal(2, 4), normal(2, 3, 4), normal(2))
    case("CDist", torch.cdist, normal(2, 3), normal(4, 3), 2)
    case("CDist", torch.cdist, normal(2, 3), normal(4, 3), 1)
    case("CosineSimilarity", F.cosine_similarity, a, normal(2, 3), 1, 1e-8)
    case("Normalize", lambda t, d: F.normalize(t, dim=d), x, -1)


def fourier():
    x = normal(3, 6)
    z = torch.fft.fft(normal(3, 6)).clone()
    half = torch.fft.rfft(normal(3, 5)).clone()
    cube = normal(2, 3, 4)
    for kind, signal, spectrum in [("", x, z), ("r", x, torch.fft.rfft(x).clone()), ("h", z, x)]:
        forward, inverse = getattr(torch.fft, f"{kind}fft"), getattr(torch.fft, f"i{kind}fft")
        go, back = f"{kind}fft".upper(), f"i{kind}fft".upper()
        case(go, lambda t, o, f=forward: f(t), signal, {})
        case(back, lambda t, o, f=inverse: f(t), spectrum, {})
        with_all = lambda f: lambda t, o: f(t, o["Size"][0], o["Dims"][0], o["Norm"])
        case(go, with_all(forward), signal, {"Size": [4], "Dims": [0], "Norm": "ortho"})
        case(back, with_all(inverse), spectrum, {"Size": [5], "Dims": [-1], "Norm": "forward"})
        for d in ("2", "n"):
            forward, inverse = (getattr(torch.fft, f"{i}{kind}fft{d}") for i in ("", "i"))
            case(f"{go}{d.upper()}", lambda t, o, f=forward: f(t), signal, {})
            case(f"{back}{d.upper()}", lambda t, o, f=inverse: f(t), spectrum, {})
            with_all = lambda f: lambda t, o: f(t, o["Size"], o["Dims"], o["Norm"])
            options = {"Size": [4, 5], "Dims": [1, 0], "Norm": "ortho"}
            case(f"{go}{d.upper()}", with_all(forward), signal, options)
            case(f"{back}{d.upper()}", with_all(inverse), spectrum, options)
    case("IRFFT", lambda t, o: torch.fft.irfft(t, 5), half, {"Size": [5]})
    case("FFTN", lambda t, o: torch.fft.fftn(t, norm="forward"), cube, {"Norm": "forward"})
    case("RFFTN", lambda t, o: torch.fft.rfftn(t, s=(3, 5)), cube, {"Size": [3, 5]})
    window = torch.tensor([0.25, 0.75, 1.0, 0.75])
    stft = lambda t, n, o: torch.stft(
        t, n, o.get("Hop"), window=o.get("Window", torch.ones(n)),
        center=not o.get("NoCenter", False), normalized=o.get("Normalized", False), return_complex=True
    )
    istft = lambda t, n, o: torch.istft(
        t, n, o.get("Hop"), window=o.get("Window", torch.ones(n)),
        center=not o.get("NoCenter", False), normalized=o.get("Normalized", False), length=o.get("Length")
    )
    samples = normal(2, 12)
    windowed = {"Hop": 2, "Window": window}
    case("STFT", stft, samples, 4, windowed)
    case("STFT", stft, samples, 4, {"Hop": 3, "NoCenter": True, "Normalized": True})
    case("STFT", stft, samples, 8, {})
    case("ISTFT", istft, stft(samples, 4, windowed).clone(), 4, windowed | {"Length": 12})
    case("ISTFT", istft, stft(samples, 4, windowed).clone(), 4, windowed)
    case("FFTShift", torch.fft.fftshift, x, [1])
    case("FFTShift", torch.fft.fftshift, x, None)
    case("IFFTShift", torch.fft.ifftshift, normal(3, 5), [0, 1])


def normalization():
    x = normal(2, 4, 3)
    weight, bias = uniform(4), normal(4)
    case("LayerNorm", F.layer_norm, x, [4, 3], uniform(4, 3), normal(4, 3), 1e-5)
    case("LayerNorm", F.layer_norm, x, [3], None, None, 1e-3)
    case("GroupNorm", F.group_norm, x, 2, weight, bias, 1e-6)
    mean, var = Constant(normal(4)), Constant(uniform(4))
    batch_norm = lambda t, w, b, m, v, *o: F.batch_norm(t, m, v, w, b, *o)
    case("BatchNorm", batch_norm, x, weight, bias, mean, var, False, 0.1, 1e-5)
    case("BatchNorm", batch_norm, x, weight, bias, None, None, True, 0.1, 1e-5)
    instance_norm = lambda t, w, b, m, v, *o: F.instance_norm(t, m, v, w, b, *o)
    case("InstanceNorm", instance_norm, x, weight, bias, None, None, True, 0.1, 1e-5)
    case("RMSNorm", F.rms_norm, x, [3], uniform(3), 1e-6)
    case("LocalResponseNorm", lambda t, n, o: F.local_response_norm(t, n), x, 3, {})
    case(
        "LocalResponseNorm",
        lambda t, n, o: F.local_response_norm(t, n, o["Alpha"], o["Beta"], o["K"]),
        normal(2, 5, 2, 2), 2, {"Alpha": 0.5, "Beta": 0.6, "K": 2.0},
    )


def convolution():
    case("Linear", F.linear, normal(2, 3), normal(4, 3), normal(4))
    case("Linear", F.linear, normal(2, 3), normal(4, 3), None)
    for d, conv, transposed in [
        (1, F.conv1d, F.conv_transpose1d), (2, F.conv2d, F.conv_transpose2d),
        (3, F.conv3d, F.conv_transpose3d),
    ]:
        x = normal(1, 2, *[4] * d)
        case(
            f"Conv{d}d",
            lambda t, w, b, o, f=conv: f(t, w, b),
            x,
            normal(3, 2, *[2] * d),
            normal(3),
            {},
        )
        case(
            f"Conv{d}d",
            lambda t, w, b, o, f=conv: f(t, w, b, o["Stride"], o["Padding"], o["Dilation"], o["Groups"]),
            x, normal(2, 1, *[3] * d), None,
            {"Stride": [2], "Padding": [2] * d, "Dilation": [2], "Groups": 2},
        )
        case(
            f"Conv{d}d",
            lambda t, w, b, o, f=conv: f(t, w, b, padding="same", dilation=o["Dilation"]),
            x, normal(3, 2, *[2] * d), normal(3), {"PadSame": True, "Dilation": [2] * d},
        )
        small = normal(1, 2, *[3] * d)
        case(
            f"ConvTranspose{d}d",
            lambda t, w, b, o, f=transposed: f(t, w, b),
            small,
            normal(2, 1, *[2] * d),
            normal(1),
            {},
        )
        case(
            f"ConvTranspose{d}d",
            lambda t, w, b, o, f=transposed: f(
                t, w, b, o["Stride"], o["Padding"], o["OutputPadding"], o["Groups"], o["Dilation"]
            ),
            small, normal(2, 1, *[2] * d), None,
            {"Stride": [2] * d, "Padding": [1], "OutputPadding": [1], "Groups": 2, "Dilation": [2]},
        )
    x = normal(1, 2, 4, 3)
    case("Im2Col", lambda t, k, o: F.unfold(t, k), x, [2, 2], {})
    options = {"Stride": [2, 1], "Padding": [1, 0], "Dilation": [1, 2]}
    unfold = lambda t, k, o: F.unfold(t, k, o["Dilation"], o["Padding"], o["Stride"])
    fold = lambda t, s, k, o: F.fold(t, s, k, o["Dilation"], o["Padding"], o["Stride"])
    case("Im2Col", unfold, x, [2, 2], options)
    case("Col2Im", fold, unfold(x, [2, 2], options), [4, 3], [2, 2], options)
    case("ChannelShuffle", F.channel_shuffle, normal(1, 4, 2, 2), 2)
    case("PixelShuffle", F.pixel_shuffle, normal(1, 4, 2, 3), 2)
    case("PixelUnshuffle", F.pixel_unshuffle, normal(1, 1, 4, 6), 2)


def pooling():
    for d in (1, 2, 3):
        x = distinct(1, 2, *[5 if d < 3 else 4] * d)
        highest, mean = getattr(F, f"max_pool{d}d"), getattr(F, f"avg_pool{d}d")
        case(f"MaxPool{d}d", lambda t, k, o, f=highest: f(t, k), x, [2], {})
        options = {"Stride": [1], "Padding": [1] * d, "Dilation": [2], "CeilMode": True}
        case(
            f"MaxPool{d}d",
            lambda t, k, o, f=highest: f(t, k, o["Stride"], o["Padding"], o["Dilation"], o["CeilMode"]),
            x, [2] * d, options,
        )
        case(f"AvgPool{d}d", lambda t, k, o, f=mean: f(t, k), x, [2] * d, {})
        options = {"Stride": [2], "Padding": [1], "CeilMode": True, "ExcludePadding": True}
        case(
            f"AvgPool{d}d",
            lambda t, k, o, f=mean: f(t, k, o["Stride"], o["Padding"], o["CeilMode"], not o["ExcludePadding"]),
            x, [3], options,
        )
        case(
            f"MaxPool{d}dWithIndices",
            lambda t, k, o, f=highest: f(t, k, o["Stride"], o["Padding"], return_indices=True),
            x, [2], {"Stride": [2], "Padding": [1]},
        )
        lp = getattr(F, f"lp_pool{d}d", None)
        kernel = [2, 3, 2][:d]
        case(
            f"LPPool{d}d",
            lambda t, p, k, o, f=lp, d=d: f(t, p, k if d > 1 else k[0]),
            uniform(1, 2, *[6] * d), 2.0, kernel, {},
        )
        case(
            f"LPPool{d}d",
            lambda t, p, k, o, f=lp, d=d: f(t, p, k if d > 1 else k[0], o["Stride"] if d > 1 else o["Stride"][0], o["CeilMode"]),
            uniform(1, 1, *[5] * d), 3.0, kernel, {"Stride": [2] * d, "CeilMode": True},
        )
        case(
            f"AdaptiveAvgPool{d}d",
            lambda t, s, f=getattr(F, f"adaptive_avg_pool{d}d"): f(t, s),
            x,
            [3, 2, 1][:d],
        )
    x = distinct(1, 2, 5, 4)
    case(
        "MaxPool2dWithIndices",
        lambda t, k, o: F.max_pool2d(t, k, return_indices=True),
        x,
        [2, 2],
        {},
    )
    case(
        "AdaptiveMaxPool1d", lambda t, n: F.adaptive_max_pool1d(t, n, return_indices=True), x[0], [3]
    )
    _, at = F.max_pool1d(x[0], 2, return_indices=True)
    case("MaxUnpool1d", lambda t, i, n: F.max_unpool1d(t, i, 2, output_size=n), normal(*at.shape), at, [5])
    _, at = F.max_pool2d(x, 2, return_indices=True)
    case("MaxUnpool2d", lambda t, i, n: F.max_unpool2d(t, i, 2, output_size=n), normal(*at.shape), at, [5, 4])
    volume = distinct(1, 1, 4, 4, 2)
    _, at = F.max_pool3d(volume, 2, return_indices=True)
    case(
        "MaxUnpool3d",
        lambda t, i, n, s, p: F.max_unpool3d(t, i, 2, s, p, output_size=n),
        normal(*at.shape), at, [4, 4, 2], [2, 2, 2], [0, 0, 0],
    )
    case(
        "AdaptiveMaxPool3d", lambda t, s: F.adaptive_max_pool3d(t, s, return_indices=True), volume, [2, 3, 1]
    )
    case(
        "AdaptiveMaxPool2d", lambda t, s: F.adaptive_max_pool2d(t, s, return_indices=True), x, [3, 2]
    )


def images():
    modes = [
        ("nearest", 1), ("nearest", 2), ("nearest", 3), ("nearest-exact", 1), ("nearest-exact", 2),
        ("nearest-exact", 3), ("linear", 1), ("bilinear", 2), ("bicubic", 2), ("trilinear", 3),
        ("area", 1), ("area", 2), ("area", 3),
    ]
    for mode, d in modes:
        x = normal(1, 1, *[4, 3, 2][:d])
        for align in (False, True):
            if mode.startswith(("nearest", "area")) and align:
                continue
            case(
                "Interpolate",
                lambda t, s, o, m=mode, a=align: F.interpolate(t, s, mode=m, align_corners=a or None),
                x, [6, 2, 5][:d], {"Mode": mode, "AlignCorners": align},
            )
            for factors, recompute in [([1.7, 0.8, 2.4][:d], False), ([1.7], True)]:
                if mode == "area" and not recompute:
                    continue  # PyTorch always does there
                case(
                    "Interpolate",
                    lambda t, s, o, m=mode, a=align: F.interpolate(
                        t,
                        scale_factor=o["ScaleFactor"] if len(o["ScaleFactor"]) > 1 else o["ScaleFactor"][0],
                        mode=m,
                        align_corners=a or None,
                        recompute_scale_factor=o["RecomputeScaleFactor"],
                    ),
                    x, None,
                    {
                        "Mode": mode, "AlignCorners": align, "ScaleFactor": factors,
                        "RecomputeScaleFactor": recompute,
                    },
                )
    for mode in ("bilinear", "bicubic"):
        case(
            "Interpolate",
            lambda t, s, o, m=mode: F.interpolate(t, s, mode=m, antialias=True),
            normal(1, 1, 7, 6), [3, 4], {"Mode": mode, "Antialias": True},
        )
        case(
            "Interpolate",
            lambda t, s, o, m=mode: F.interpolate(t, scale_factor=(0.6, 0.4), mode=m, antialias=True),
            normal(1, 1, 7, 6), None, {"Mode": mode, "Antialias": True, "ScaleFactor": [0.6, 0.4]},
        )
    case(
        "Interpolate", lambda t, s, o: F.interpolate(t, scale_factor=0.6, mode="area"),
        normal(1, 1, 7, 6), None, {"Mode": "area", "ScaleFactor": [0.6]},
    )
    image, theta = normal(1, 2, 4, 3), torch.tensor([[[0.9, -0.3, 0.1], [0.2, 1.1, -0.35]]])
    case("AffineGrid", F.affine_grid, theta, [1, 2, 3, 4], False)
    case("AffineGrid", F.affine_grid, theta, [1, 2, 3, 4], True)
    grid = (F.affine_grid(theta, [1, 2, 3, 4], align_corners=False) * 100).round() / 100 + 0.003
    case("GridSample", lambda t, g, o: F.grid_sample(t, g, align_corners=False), image, grid, {})
    for mode, padding, align in [
        ("nearest", "border", False), ("bicubic", "reflection", True),
        ("bilinear", "reflection", False),
        ("bilinear", "border", True),
    ]:
        case(
            "GridSample",
            lambda t, g, o, m=mode, p=padding, a=align: F.grid_sample(t, g, m, p, a),
            image, grid, {"Mode": mode, "Padding": padding, "AlignCorners": align},
        )
    for mode in ("constant", "reflect", "replicate", "circular"):
        case(
            "Pad",
            lambda t, p, m, v: F.pad(t, p, m, v if m == "constant" else None),
            image, [1, 2, 0, 1], mode, 1.5,
        )


def attention():
    q, k, v = normal(1, 2, 3, 4), normal(1, 2, 5, 4), normal(1, 2, 5, 2)
    attend = F.scaled_dot_product_attention
    func("ScaledDotProductAttention", lambda q, k, v, o: attend(q, k, v), q, k, v, {})
    func(
        "ScaledDotProductAttention",
        lambda q, k, v, o: attend(q, k, v, is_causal=True, scale=0.3),
        q, k, v, {"Causal": True, "Scale": 0.3},
    )
    func(
        "ScaledDotProductAttention",
        lambda q, k, v, o: attend(q, k, v, attn_mask=o["Mask"]),
        q, k, v, {"Mask": normal(3, 5)},
    )
    func(
        "ScaledDotProductAttention",
        lambda q, k, v, o: attend(q, k, v, enable_gqa=True),
        normal(1, 4, 3, 4), k, v, {"GroupedQueries": True},
    )


def losses():
    x, y = normal(3, 4), normal(3, 4)
    classes = torch.tensor([1, 3, 0])
    weight = Constant(uniform(4))
    for reduction in ("mean", "sum", "none"):
        for go, f in [
            ("MSELoss", F.mse_loss), ("L1Loss", F.l1_loss), ("SoftMarginLoss", F.soft_margin_loss),
        ]:
            case(go, lambda t, y, r, f=f: f(t, y, reduction=r), x, Constant(y.sign()), reduction)
        case(
            "CrossEntropyLoss",
            lambda t, y, o: F.cross_entropy(t, y, reduction=o["Reduction"]),
            x,
            classes,
            {"Reduction": reduction},
        )
        case(
            "KLDivLoss",
            lambda t, y, g, r: F.kl_div(t, y, reduction=r, log_target=g),
            x,
            Constant(uniform(3, 4)),
            False,
            reduction,
        )
    case("CrossEntropyLoss", lambda t, y, o: F.cross_entropy(t, y), x, classes, {})
    case(
        "CrossEntropyLoss",
        lambda t, y, o: F.cross_entropy(
            t, y, o["Weight"], ignore_index=o["IgnoreIndex"], label_smoothing=o["LabelSmoothing"]
        ),
        x, classes, {"Weight": uniform(4), "IgnoreIndex": 3, "LabelSmoothing": 0.1},
    )
    case(
        "CrossEntropyLoss",
        lambda t, y, o: F.cross_entropy(t, y),
        x,
        Constant(torch.softmax(y, 1)),
        {},
    )
    case(
        "NLLLoss",
        lambda t, y, w, i, r: F.nll_loss(t, y, w, reduction=r, ignore_index=i),
        x, classes, weight, 3, "mean",
    )
    case(
        "SmoothL1Loss",
        lambda t, y, b, r: F.smooth_l1_loss(t, y, reduction=r, beta=b),
        x,
        y,
        0.5,
        "mean",
    )
    case("HuberLoss", lambda t, y, d, r: F.huber_loss(t, y, reduction=r, delta=d), x, y, 0.5, "sum")
    bce = F.binary_cross_entropy
    case(
        "BCELoss",
        lambda t, y, w, r: bce(t, y, w, reduction=r),
        uniform(3, 4),
        Constant(uniform(3, 4)),
        None,
        "mean",
    )
    case(
        "BCELoss",
        lambda t, y, w, r: bce(t, y, w, reduction=r),
        uniform(3, 4),
        Constant(uniform(3, 4)),
        weight,
        "sum",
    )
    logits = F.binary_cross_entropy_with_logits
    case(
        "BCEWithLogitsLoss",
        lambda t, y, w, p, r: logits(t, y, w, pos_weight=p, reduction=r),
        x, Constant(uniform(3, 4)), weight, Constant(uniform(4)), "mean",
    )
    case(
        "BCEWithLogitsLoss",
        lambda t, y, w, p, r: logits(t, y, reduction=r),
        x,
        Constant(uniform(3, 4)),
        None,
        None,
        "none",
    )
    case(
        "KLDivLoss",
        lambda t, y, g, r: F.kl_div(t, y, reduction=r, log_target=g),
        x,
        Constant(y),
        True,
        "sum",
    )
    for log_input, full, reduction in [(True, False, "mean"), (False, True, "sum")]:
        case(
            "PoissonNLLLoss",
            lambda t, y, g, f, e, r: F.poisson_nll_loss(t, y, g, full=f, eps=e, reduction=r),
            uniform(3, 4), Constant(integers(0, 5, 3, 4).float()), log_input, full, 1e-8, reduction,
        )
        case(
            "GaussianNLLLoss",
            lambda t, y, v, o: F.gaussian_nll_loss(t, y, v, full=o["Full"], reduction=o["Reduction"]),
            x, y, uniform(3, 4) if full else uniform(3, 1), {"Full": full, "Reduction": reduction},
        )
    case(
        "GaussianNLLLoss",
        lambda t, y, v, o: F.gaussian_nll_loss(t, y, v, eps=o["Eps"], reduction=o["Reduction"]),
        x, y, uniform(3, 4), {"Eps": 0.5, "Reduction": "none"},
    )
    case(
        "HingeEmbeddingLoss",
        lambda t, y, m, r: F.hinge_embedding_loss(t, y, m, reduction=r),
        x, Constant(y.sign()), 0.8, "mean",
    )
    case(
        "MultiMarginLoss",
        lambda t, y, p, m, w, r: F.multi_margin_loss(t, y, p, m, w, reduction=r),
        x, classes, 1, 0.8, None, "mean",
    )
    case(
        "MultiMarginLoss",
        lambda t, y, p, m, w, r: F.multi_margin_loss(t, y, p, m, w, reduction=r),
        x, classes, 2, 1.0, weight, "none",
    )
    case(
        "MultilabelMarginLoss",
        lambda t, y, r: F.multilabel_margin_loss(t, y, reduction=r),
        x, torch.tensor([[1, -1, 0, 0], [3, 0, -1, 0], [0, 1, 2, -1]]), "sum",
    )
    for reduction in ("mean", "none"):
        case(
            "MultilabelSoftMarginLoss",
            lambda t, y, w, r: F.multilabel_soft_margin_loss(t, y, w, reduction=r),
            x, Constant((y > 0).float()), weight if reduction == "none" else None, reduction,
        )
    triplet = F.triplet_margin_with_distance_loss
    case("TripletMarginWithDistanceLoss", lambda a, b, c, m, o: triplet(a, b, c), x, y, normal(3, 4), 1.0, {})
    case(
        "TripletMarginWithDistanceLoss",
        lambda a, b, c, m, o: triplet(a, b, c, margin=m, swap=True, reduction="sum"),
        x, y, normal(3, 4), 0.5, {"Swap": True, "Reduction": "sum"},
    )
    case(
        "CTCLoss",
        lambda t, y, n, m, o: F.ctc_loss(t, y, n, m, reduction=o["Reduction"]),
        torch.log_softmax(normal(5, 2, 3), 2), torch.tensor([[1, 2], [2, 1]]), [5, 4], [2, 1], {"Reduction": "sum"},
    )
    signs = torch.tensor([1.0, -1.0, 1.0])
    case(
        "CosineEmbeddingLoss",
        lambda a, b, y, m, r: F.cosine_embedding_loss(a, b, y, m, reduction=r),
        x, y, Constant(signs), 0.1, "none",
    )
    case(
        "MarginRankingLoss",
        lambda a, b, y, m, r: F.margin_ranking_loss(a, b, y, m, reduction=r),
        normal(3), normal(3), Constant(signs), 0.2, "mean",
    )
    case(
        "TripletMarginLoss",
        lambda a, b, c, m, p, r: F.triplet_margin_loss(a, b, c, m, p, reduction=r),
        x, y, normal(3, 4), 1.0, 2.0, "none",
    )


def drawn():
    """With a generator the numbers are PyTorch's own, to the bit."""
    chances = uniform(2, 4)
    case(
        "Multinomial",
        lambda t, n, r, g: torch.multinomial(t, n, r, generator=g),
        Constant(chances),
        2,
        False,
        Seed(3),
    )
    case(
        "Multinomial",
        lambda t, n, r, g: torch.multinomial(t, n, r, generator=g),
        Constant(chances),
        6,
        True,
        Seed(4),
    )
    case("Bernoulli", lambda t, g: torch.bernoulli(t, generator=g), Constant(chances), Seed(5))
    case("Poisson", lambda t, g: torch.poisson(t, generator=g), Constant(chances * 5), Seed(10))
    logits = normal(2, 4)

    def gumbel(t, dim, o):
        torch.manual_seed(o["Generator"].initial_seed())
        return F.gumbel_softmax(t, o["Temperature"], o["Hard"], dim=dim)

    for hard in (False, True):
        options = {"Temperature": 0.7, "Hard": hard, "Generator": Seed(11)}
        case("GumbelSoftmax", gumbel, logits, -1, options)
    case(
        "RReLU",
        lambda t, a, b, train, g: torch.rrelu(t, a, b, train, generator=g),
        logits, 0.1, 0.3, True, Seed(12),
    )
    zeros = torch.zeros(2, 8)
    for go, f, arguments in [
        ("CauchyInPlace", "cauchy_", (0.5, 2.0)), ("LogNormalInPlace", "log_normal_", (0.5, 0.3)),
        ("GeometricInPlace", "geometric_", (0.3,)), ("RandomInPlace", "random_", (-3, 4)),
    ]:
        case(
            go,
            lambda t, *a, f=f: getattr(t, f)(*a[:-1], generator=a[-1]),
            zeros, *arguments, Seed(13), in_place=True,
        )
    case(
        "UniformInPlace",
        lambda t, a, b, g: t.uniform_(a, b, generator=g),
        zeros,
        -1.0,
        2.0,
        Seed(6),
        in_place=True,
    )
    case(
        "NormalInPlace",
        lambda t, m, s, g: t.normal_(m, s, generator=g),
        zeros,
        1.0,
        0.5,
        Seed(7),
        in_place=True,
    )
    case(
        "ExponentialInPlace",
        lambda t, r, g: t.exponential_(r, generator=g),
        zeros,
        2.0,
        Seed(8),
        in_place=True,
    )
    case(
        "BernoulliInPlace",
        lambda t, p, g: t.bernoulli_(p, generator=g),
        zeros,
        0.3,
        Seed(9),
        in_place=True,
    )


def in_place():
    a, b = normal(2, 3), uniform(2, 3, low=0.5, high=2)
    i = integers(1, 9, 2, 3)
    for name in ("Add", "Sub", "Mul", "Div"):
        method = name.lower() + "_"
        case(f"{name}InPlace", lambda t, o, m=method: getattr(t, m)(o), a, b, in_place=True)
        case(
            f"{name}ScalarInPlace", lambda t, o, m=method: getattr(t, m)(o), a, 0.75, in_place=True
        )
        if name != "Div":
            case(
                f"{name}ScalarInPlace", lambda t, o, m=method: getattr(t, m)(o), i, 3, in_place=True
            )
    case("AddScaledInPlace", lambda t, o, s: t.add_(o, alpha=s), a, b, 0.5, in_place=True)
    case("PowScalarInPlace", lambda t, e: t.pow_(e), b, 1.5, in_place=True)
    case("LerpInPlace", lambda t, e, w: t.lerp_(e, w), a, b, 0.25, in_place=True)
    case(
        "AddCMulInPlace", lambda t, x, y, v: t.addcmul_(x, y, value=v), a, b, b, 0.5, in_place=True
    )
    case(
        "AddCDivInPlace", lambda t, x, y, v: t.addcdiv_(x, y, value=v), a, a, b, 0.5, in_place=True
    )
    case("ClampInPlace", lambda t, low, high: t.clamp_(low, high), a, -0.5, 0.25, in_place=True)
    case(
        "ClampTensorInPlace",
        lambda t, low, high: t.clamp_(low, high),
        a,
        b - 2,
        b - 1,
        in_place=True,
    )
    case(
        "ClampTensorInPlace", lambda t, low, high: t.clamp_(max=high), a, None, b - 1, in_place=True
    )
    case("RemainderScalarInPlace", lambda t, v: t.remainder_(v), a, 0.75, in_place=True)
    case("ClampMinInPlace", lambda t, v: t.clamp_min_(v), a, -0.3, in_place=True)
    case("ClampMaxInPlace", lambda t, v: t.clamp_max_(v), a, 0.3, in_place=True)
    special = torch.tensor([math.nan, math.inf, -math.inf, 1.5])
    case(
        "NaNToNumInPlace", lambda t, *v: t.nan_to_num_(*v), special, 1.0, 2.0, -3.0, in_place=True
    )
    case("LeakyReLUInPlace", lambda t, v: F.leaky_relu_(t, v), a, 0.1, in_place=True)
    square = normal(3, 3)
    case("TrilInPlace", lambda t, d: t.tril_(d), square, 0, in_place=True)
    case("TriuInPlace", lambda t, d: t.triu_(d), square, 1, in_place=True)
    case(
        "AddMMInPlace",
        lambda t, x, y, s, r: t.addmm_(x, y, beta=s, alpha=r),
        square, normal(3, 2), normal(2, 3), 0.5, 2.0, in_place=True,
    )
    case("FillTensorInPlace", lambda t, v: t.fill_(v), a, torch.tensor(2.5), in_place=True)
    case("FillDiagonalInPlace", lambda t, v: t.fill_diagonal_(v), square, 2.5, in_place=True)
    case("SiLUInPlace", lambda t: F.silu(t, inplace=True), a, in_place=True)
    for name, x in [
        ("Log", b),
        ("Square", a),
        ("Reciprocal", b),
        ("Floor", a),
        ("Ceil", a),
        ("Round", a),
        ("RSqrt", b),
        ("Neg", a),
        ("Abs", a),
        ("Exp", a),
        ("Sqrt", b),
        ("ReLU", a),
        ("Sigmoid", a),
        ("Tanh", a),
    ]:
        case(f"{name}InPlace", lambda t, m=name.lower() + "_": getattr(t, m)(), x, in_place=True)
    case("CopyInPlace", lambda t, o: t.copy_(o), a, i[0], in_place=True)
    case("FillInPlace", lambda t, v: t.fill_(v), a, 2.5, in_place=True)
    case("ZeroInPlace", lambda t: t.zero_(), a, in_place=True)


def promotion():
    """The dtypes that whole, real and complex numbers and bools give beside tensors of each kind."""
    tensors = [
        torch.tensor(values).to(dtype)
        for values, dtype in (
            ([0, 1], torch.bool), ([1, 3], torch.uint8), ([-1, 3], torch.int32), ([-1, 3], torch.int64),
            ([0.5, 2], torch.float16), ([0.5, 2], torch.bfloat16), ([0.5, 2], torch.float32),
            ([0.5, 2], torch.float64), ([0.5 + 1j, 2], torch.complex64),
        )
    ]
    operators = {
        "AddScalar": torch.add, "SubScalar": torch.sub, "RSubScalar": torch.rsub, "MulScalar": torch.mul,
        "DivScalar": torch.div, "FloorDivideScalar": torch.floor_divide, "RemainderScalar": torch.remainder,
        "PowScalar": torch.pow, "EqScalar": torch.eq, "LtScalar": torch.lt, "ClampMin": torch.clamp_min,
        "RPowScalar": lambda t, base: torch.pow(base, t),
        "FullLike": torch.full_like, "BitwiseAndScalar": torch.bitwise_and,
        "FillInPlace": lambda t, v: t.fill_(v), "AddScalarInPlace": lambda t, v: t.add_(v),
    }
    mask = torch.tensor([True, False])
    for tensor in tensors:
        for number in (True, 2, 2.5, 1 + 2j):
            for name, f in operators.items():
                try:
                    result = f(tensor.clone(), number)
                except (RuntimeError, TypeError):
                    continue  # PyTorch does not have it
                if result.dtype == torch.complex32:
                    continue  # nor has Go the dtype
                case(name, f, tensor, number, gradient=False, in_place=name.endswith("InPlace"))
            if torch.where(mask, tensor, number).dtype != torch.complex32:
                func("WhereScalar", torch.where, mask, tensor, number, gradient=False)
    z = tensors[-1]
    case("AddScaled", lambda t, o, s: torch.add(t, o, alpha=s), z, z.flip(0).clone(), 1 - 2j)
    case("MaskedFill", lambda t, m, v: t.masked_fill(m, v), z, mask, 1 - 2j)
    case("ScatterScalar", lambda t, d, i, v: t.scatter(d, i, v), z, 0, torch.tensor([1]), 1 - 2j)
    case("IndexFill", lambda t, d, i, v: t.index_fill(d, i, v), z, 0, torch.tensor([1]), 1 - 2j)
    case("AddMM", lambda t, a, b, s, r: torch.addmm(t, a, b, beta=s, alpha=r), z.reshape(1, 2), z.reshape(1, 2), z.outer(z), 1j, 2)


def main():
    for group in (
        arithmetic, creation, element_by_element, complex_numbers, comparison, reduction, sorting, shape, indexing,
        linear_algebra, fourier, normalization, convolution, pooling, images, attention, losses, drawn, in_place,
        promotion,
    ):
        group()
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in cases)
    OUTPUT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(
        f"wrote {len(cases)} cases of {len({c['name'] for c in cases})} operators to {OUTPUT.name}"
    )


if __name__ == "__main__":
    main()
