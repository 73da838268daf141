"""Writes what open_clip, torchmetrics and scikit-learn compute for the tests of probes and evaluations.

    python scripts/reference/reference_clip_evaluation.py

clip/evaluate/testdata/reference.json: accuracy, confusion and calibration error of probabilities, and the recall of
pairs. clip/probe/testdata/reference.json: the weights of a logistic regression.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from open_clip_train.train import get_clip_metrics
from sklearn.linear_model import LogisticRegression
from torchmetrics.functional.classification import (multiclass_accuracy, multiclass_calibration_error,
                                                    multiclass_confusion_matrix)

ROOT = Path(__file__).resolve().parents[2]
CLASSES, PICTURES, DIMENSION = 8, 120, 12


def rounded(tensor: torch.Tensor) -> list:
    return [[round(x, 6) for x in row] for row in tensor.tolist()]


def write(package: str, values: dict) -> None:
    folder = ROOT / "clip" / package / "testdata"
    folder.mkdir(exist_ok=True)
    (folder / "reference.json").write_text(json.dumps(values) + "\n")


def evaluation() -> None:
    torch.manual_seed(3)
    classes = torch.randint(CLASSES, (PICTURES,))
    logits = 2 * torch.randn(PICTURES, CLASSES) + 1.5 * F.one_hot(classes, CLASSES)
    # Rounded first: both sides are to see the same numbers.
    probabilities = torch.tensor(rounded(logits.softmax(1)))
    top1, top5 = (multiclass_accuracy(probabilities, classes, CLASSES, average="micro", top_k=k).item() for k in (1, 5))
    mean = multiclass_accuracy(probabilities, classes, CLASSES, average="macro").item()
    images = torch.tensor(rounded(torch.randn(PICTURES, DIMENSION)))
    texts = torch.tensor(rounded(images + 1.5 * torch.randn(PICTURES, DIMENSION)))
    recall = get_clip_metrics(F.normalize(images, dim=-1), F.normalize(texts, dim=-1), torch.tensor(1.0))
    write("evaluate", {
        "probabilities": rounded(probabilities), "classes": classes.tolist(), "top1": top1, "top5": top5, "mean_per_class": mean,
        "confusion": multiclass_confusion_matrix(probabilities, classes, CLASSES).tolist(),
        "calibration_error": multiclass_calibration_error(probabilities, classes, CLASSES, n_bins=15).item(),
        "images": rounded(images), "texts": rounded(texts),
        "recall": {key: float(value) for key, value in recall.items()}})
    print(top1, top5, recall)


def probe() -> None:
    torch.manual_seed(4)
    classes = torch.randint(4, (90,))
    centers = torch.randn(4, DIMENSION)
    embeddings = torch.tensor(rounded(centers[classes] + 1.2 * torch.randn(90, DIMENSION)))
    units = F.normalize(embeddings.double(), dim=-1).numpy()
    fits = []
    for regularization in (1e-3, 0.1):
        model = LogisticRegression(C=1 / (regularization * len(classes)), max_iter=5000, tol=1e-10).fit(units, classes.numpy())
        fits.append({"regularization": regularization, "weights": np.round(model.coef_, 7).tolist(),
                     "bias": np.round(model.intercept_ - model.intercept_.mean(), 7).tolist(),
                     "probabilities": np.round(model.predict_proba(units[:5]), 7).tolist()})
    write("probe", {"embeddings": rounded(embeddings), "classes": classes.tolist(), "fits": fits})


if __name__ == "__main__":
    evaluation()
    probe()
