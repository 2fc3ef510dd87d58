"""Automatic differentiation: grad modes, backward and grad, Function, gradcheck."""

from nbnn.autograd import function as function
from nbnn.autograd import functional as functional
from nbnn.autograd import variable as variable
from nbnn.autograd._backward import backward, grad
from nbnn.autograd._function import Function, FunctionCtx, Variable, once_differentiable
from nbnn.autograd._gradcheck import gradcheck, gradgradcheck
from nbnn.autograd._tape import (
    HookHandle,
    Node,
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from nbnn.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly

__all__ = [
    "Function",
    "FunctionCtx",
    "HookHandle",
    "Node",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]
