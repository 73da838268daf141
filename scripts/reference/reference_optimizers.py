"""Writes torch/optim/testdata/optimizers.json, where PyTorch's optimizers stand after each of 50 steps and
the learning rates that its schedules set, torch/optim/testdata/optimizers.pt, their state after 25, and
torch/optim/testdata/printed.json, what print shows of them.

    python scripts/reference/reference_optimizers.py
"""

import copy
import json
import warnings
from pathlib import Path

import torch
from torch import optim
from torch.optim import lr_scheduler

OUTPUT = Path(__file__).resolve().parents[2] / "torch" / "optim" / "testdata" / "optimizers.json"
START = [-1.5, 2.0]
STEPS = 50
SAVED_AT = 25
EPOCHS = 60

# Each is made for the two coordinates of a point.
OPTIMIZERS = {
    "sgd": lambda x, y: optim.SGD([x, y], lr=0.001),
    "sgd_momentum": lambda x, y: optim.SGD([x, y], lr=0.001, momentum=0.9, dampening=0.1),
    "sgd_nesterov": lambda x, y: optim.SGD([x, y], lr=0.0005, momentum=0.9, weight_decay=0.01,
                                           nesterov=True),
    "adam": lambda x, y: optim.Adam([x, y], lr=0.1),
    "adam_amsgrad": lambda x, y: optim.Adam([x, y], lr=0.1, betas=(0.8, 0.99), eps=1e-6,
                                            weight_decay=0.02, amsgrad=True),
    "adam_without_momentum": lambda x, y: optim.Adam([x, y], lr=0.05, betas=(0.0, 0.9)),
    "adamw": lambda x, y: optim.AdamW([x, y], lr=0.1, weight_decay=0.05),
    "adamw_amsgrad": lambda x, y: optim.AdamW([x, y], lr=0.1, amsgrad=True),
    "rmsprop": lambda x, y: optim.RMSprop([x, y], lr=0.02),
    "rmsprop_centered": lambda x, y: optim.RMSprop([x, y], lr=0.01, alpha=0.9, eps=1e-6,
                                                   weight_decay=0.01, momentum=0.5, centered=True),
    "adagrad": lambda x, y: optim.Adagrad([x, y], lr=0.3),
    "adagrad_decay": lambda x, y: optim.Adagrad([x, y], lr=0.3, lr_decay=0.05, weight_decay=0.01,
                                                initial_accumulator_value=0.2, eps=1e-8),
    "adamw_default": lambda x, y: optim.AdamW([x, y]),
    "adamax": lambda x, y: optim.Adamax([x, y], lr=0.1),
    "adamax_decay": lambda x, y: optim.Adamax([x, y], lr=0.05, betas=(0.8, 0.99), eps=1e-6,
                                              weight_decay=0.02),
    "radam": lambda x, y: optim.RAdam([x, y], lr=0.1),
    "radam_decay": lambda x, y: optim.RAdam([x, y], lr=0.1, betas=(0.7, 0.9), eps=1e-6,
                                            weight_decay=0.05),
    "radam_decoupled": lambda x, y: optim.RAdam([x, y], lr=0.1, betas=(0.7, 0.9), weight_decay=0.05,
                                                decoupled_weight_decay=True),
    # Rosenbrock's function has no maximum, so that these are short steps.
    "sgd_maximize": lambda x, y: optim.SGD([x, y], lr=1e-5, momentum=0.9, weight_decay=0.1,
                                           maximize=True),
    "adam_maximize": lambda x, y: optim.Adam([x, y], lr=1e-3, weight_decay=0.1, maximize=True),
    "adamw_maximize": lambda x, y: optim.AdamW([x, y], lr=1e-3, maximize=True),
    "rmsprop_maximize": lambda x, y: optim.RMSprop([x, y], lr=1e-3, weight_decay=0.1, maximize=True),
    "adagrad_maximize": lambda x, y: optim.Adagrad([x, y], lr=1e-2, weight_decay=0.1, maximize=True),
    "adamax_maximize": lambda x, y: optim.Adamax([x, y], lr=1e-3, weight_decay=0.1, maximize=True),
    "radam_maximize": lambda x, y: optim.RAdam([x, y], lr=1e-3, weight_decay=0.1, maximize=True),
    "groups_sgd": lambda x, y: optim.SGD([{"params": [x], "lr": 0.002, "momentum": 0.5},
                                          {"params": [y]}], lr=0.001),
    "groups_adam": lambda x, y: optim.Adam(
        [{"params": [x], "lr": 0.001, "betas": (0.5, 0.9)},
         {"params": [y], "weight_decay": 0.1, "amsgrad": True}], lr=0.1),
    "groups_adagrad": lambda x, y: optim.Adagrad(
        [{"params": [y], "lr": 0.01, "initial_accumulator_value": 0.5}, {"params": [x]}], lr=0.2,
        initial_accumulator_value=0.5),
    "lbfgs": lambda x, y: optim.LBFGS([x, y], lr=0.2, max_iter=1),
    "lbfgs_history": lambda x, y: optim.LBFGS([x, y], lr=0.1, max_iter=3, history_size=2),
    "lbfgs_wolfe": lambda x, y: optim.LBFGS([x, y], lr=0.1, max_iter=1, max_eval=5,
                                            line_search_fn="strong_wolfe"),
    "lbfgs_wolfe_far": lambda x, y: optim.LBFGS([x, y], lr=5, max_iter=2, max_eval=6,
                                                tolerance_change=1e-12, history_size=3,
                                                line_search_fn="strong_wolfe"),
}

# Each is made for an optimizer of two groups.
SCHEDULES = {
    "step": lambda o: lr_scheduler.StepLR(o, 7, gamma=0.5),
    "multi_step": lambda o: lr_scheduler.MultiStepLR(o, [3, 10, 10, 40], gamma=0.3),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, gamma=0.93),
    "constant": lambda o: lr_scheduler.ConstantLR(o, factor=0.25, total_iters=9),
    "linear": lambda o: lr_scheduler.LinearLR(o, start_factor=0.1, end_factor=0.8, total_iters=12),
    "polynomial": lambda o: lr_scheduler.PolynomialLR(o, total_iters=40, power=2.0),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 20, eta_min=0.001),
    "cosine_to_zero": lambda o: lr_scheduler.CosineAnnealingLR(o, 60),
    "restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 7, T_mult=2, eta_min=0.001),
    "restarts_alike": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 9),
    "lambda": lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
    "lambda_each": lambda o: lr_scheduler.LambdaLR(
        o, [lambda epoch: 0.9 ** epoch, lambda epoch: min(1, (epoch + 1) / 10)]),
    "one_cycle": lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.5, total_steps=60),
    "one_cycle_three": lambda o: lr_scheduler.OneCycleLR(
        o, max_lr=[0.5, 0.2], total_steps=60, pct_start=0.4, anneal_strategy="linear",
        base_momentum=0.8, max_momentum=0.9, div_factor=10, final_div_factor=100,
        three_phase=True),
    "one_cycle_constant": lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.5, total_steps=70,
                                                            cycle_momentum=False),
    "warm_up_cosine": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, start_factor=0.1, total_iters=5),
            lr_scheduler.CosineAnnealingLR(o, 40)], [5]),
    "three_in_sequence": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.ExponentialLR(o, 0.9),
            lr_scheduler.CosineAnnealingWarmRestarts(o, 6),
            lr_scheduler.StepLR(o, 5, gamma=0.5)], [10, 30]),
    "chained": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.LinearLR(o, start_factor=0.2, total_iters=10),
         lr_scheduler.ExponentialLR(o, 0.95)]),
    "plateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=3),
    "plateau_max": lambda o: lr_scheduler.ReduceLROnPlateau(
        o, mode="max", factor=0.3, patience=3, threshold=0.01, threshold_mode="abs",
        min_lr=[0.001, 0.0005]),
}


def rosenbrock(x, y):
    return ((1 - x) ** 2 / 100 + (y - x ** 2) ** 2).sum()


def point(place=START):
    return [torch.tensor([at], dtype=torch.float64, requires_grad=True) for at in place]


def trajectory(make, place=START, state=None, steps=STEPS) -> tuple:
    """The places after each of the steps from a place, with an optimizer that goes on from a state,
    and its state after SAVED_AT of them."""
    x, y = point(place)
    optimizer = make(x, y)
    if state is not None:
        optimizer.load_state_dict(state)

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(x, y)
        loss.backward()
        return loss

    places, saved = [], None
    for step in range(steps):
        optimizer.step(closure)
        places.append([x.item(), y.item()])
        if step + 1 == SAVED_AT:
            saved = copy.deepcopy(optimizer.state_dict())
    return places, saved


def watched(epoch: int) -> float:
    """What the plateau schedules watch: better for a while, then not."""
    return max(1.0 - epoch / 10, 0.3) + 0.01 * (epoch % 3)


def rates(make, state=None) -> tuple:
    """Each epoch's learning rates and first momentum, from the epoch SAVED_AT on where a state of
    it is given, and the state in that epoch."""
    parameters = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    for parameter in parameters:
        parameter.grad = torch.zeros(1)
    optimizer = optim.SGD([{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.02}],
                          lr=0.1, momentum=0.9)
    schedule = make(optimizer)
    if state is not None:
        schedule.load_state_dict(state["schedule"])
        optimizer.load_state_dict(state["optimizer"])
    told, momenta, saved = [], [], None
    for epoch in range(SAVED_AT if state is not None else 0, EPOCHS):
        told.append([group["lr"] for group in optimizer.param_groups])
        momenta.append(optimizer.param_groups[0]["momentum"])
        if epoch == SAVED_AT:
            saved = copy.deepcopy({"schedule": schedule.state_dict(),
                                   "optimizer": optimizer.state_dict()})
        optimizer.step()
        if isinstance(schedule, lr_scheduler.ReduceLROnPlateau):
            schedule.step(watched(epoch))
        elif epoch + 1 < EPOCHS:
            schedule.step()
    return {"rates": told, "momenta": momenta}, saved


def main() -> None:
    warnings.simplefilter("ignore")  # SequentialLR calls its parts in an order that they warn of
    places, schedules, states = {}, {}, {}
    for name, make in OPTIMIZERS.items():
        places[name], states[name] = trajectory(make)
    for name, make in SCHEDULES.items():
        schedules[name], states[name] = rates(make)
    printed = {name: repr(make(*point())) for name, make in OPTIMIZERS.items()}
    OUTPUT.with_name("printed.json").write_text(json.dumps(printed, indent=1) + "\n")
    OUTPUT.write_text(json.dumps({"optimizers": places, "schedules": schedules}) + "\n")
    torch.save(states, OUTPUT.with_suffix(".pt"))


if __name__ == "__main__":
    main()
