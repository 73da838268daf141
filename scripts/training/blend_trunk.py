"""Blends the fine-tuned image encoder with the published one (Wortsman et al. 2022, "Robust fine-tuning of zero-shot
models"): what it had learned of photographs comes back, and what it has learned of drawings stays.

    python scripts/training/blend_trunk.py results/clip.pt --pack build/training-folder --share 0.8 --output clip.blended.pt
    python scripts/training/blend_trunk.py results/clip.pt --pack build/training-folder        # figures of several shares

Without --output it prints the figures on the training folder's validation pictures, by which the share is chosen.
"""

import argparse
import copy
import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "emoji")]

import picture_clip  # noqa: E402
from clip_figures import clip_figures  # noqa: E402
from efficientnet_lite import load_trunk  # noqa: E402
from pack_reader import read_pack  # noqa: E402
from plain_tokenizer import read_tokenizer  # noqa: E402
from training_run import halved, save_whole  # noqa: E402


def blend(published: dict, tuned: dict, share: float) -> dict:
    """share of the fine-tuned weights and the rest of the published ones."""
    return {name: published[name].lerp(tensor, share) if tensor.is_floating_point() else tensor
            for name, tensor in tuned.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path, help="of train_picture_clip.py")
    parser.add_argument("--pack", required=True, help="training folder")
    parser.add_argument("--share", type=float, help="of the fine-tuned weights, 0 to 1")
    parser.add_argument("--output", type=Path, help="checkpoint to write")
    arguments = parser.parse_args()
    if (arguments.share is None) != (arguments.output is None) or not 0 <= (arguments.share or 0) <= 1:
        parser.error("give --share, from 0 to 1, and --output together, or neither")
    model, saved = picture_clip.read_checkpoint(arguments.checkpoint, "cpu")
    published = load_trunk(f"{arguments.pack}/efficientnet_lite0.pt", classes=0).state_dict()
    tuned = copy.deepcopy(model.visual.trunk.state_dict())
    if arguments.output:
        model.visual.trunk.load_state_dict(blend(published, tuned, arguments.share))
        state = picture_clip.open_clip_state(model.state_dict())
        save_whole(dict(saved, state_dict=halved(state)), arguments.output)
        return
    pack, tokenizer = read_pack(arguments.pack, 2), read_tokenizer(arguments.pack)
    for share in (1.0, 0.9, 0.8, 0.7, 0.6):
        model.visual.trunk.load_state_dict(blend(published, tuned, share))
        print(share, clip_figures(model, pack, tokenizer, "cpu", picture_clip.SIDE), flush=True)


if __name__ == "__main__":
    main()
