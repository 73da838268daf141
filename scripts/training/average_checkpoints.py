"""Averages the weights of checkpoints of train_clip.py that came from one another.

    python scripts/training/average_checkpoints.py a.pt b.pt --output mean.pt

Runs that start from the same weights end in one basin, and their mean generalizes better than each
(Wortsman et al. 2022, "Model soups").
"""

import argparse

import torch


def average(states: list[dict]) -> dict:
    """The mean of each floating tensor; counters are the first state's."""
    return {
        key: sum(state[key] for state in states) / len(states) if value.is_floating_point() else value
        for key, value in states[0].items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", nargs="+")
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()

    loaded = [torch.load(path, weights_only=True) for path in arguments.checkpoints]
    if any(checkpoint["merges"] != loaded[0]["merges"] for checkpoint in loaded):
        parser.error("the checkpoints have different vocabularies")
    states = [checkpoint["state_dict"] for checkpoint in loaded]
    torch.save(dict(loaded[0], state_dict=average(states)), arguments.output)


if __name__ == "__main__":
    main()
