"""Makes a Feast repository and fills its online store; run by the Python that Feast is in.

    python repository.py FOLDER VIEWS.json

VIEWS.json maps the name of a feature view to its `join_key`, whether that is an `integer`, its
`features`, a `ttl_s` or null, the `age_s` of the rows, the `ids`, and `values`, a list a feature.
"""

import datetime
import json
import sys
import warnings
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64, String

SETTINGS = """
project: bandit
provider: local
registry: registry.db
online_store:
  type: sqlite
  path: online.db
entity_key_serialization_version: 3
"""


def declared(name: str, view: dict) -> tuple[Entity, FeatureView]:
    integer, key = view["integer"], view["join_key"]
    value_type = ValueType.INT64 if integer else ValueType.STRING
    entity = Entity(name=f"{name}_entity", join_keys=[key], value_type=value_type)
    fields = [Field(name=feature, dtype=Float64) for feature in view["features"]]
    ttl = None if view["ttl_s"] is None else datetime.timedelta(seconds=view["ttl_s"])
    source = FileSource(name=f"{name}_source", path=f"{name}.parquet", timestamp_field="at")
    schema = [Field(name=key, dtype=Int64 if integer else String), *fields]
    return entity, FeatureView(name=name, entities=[entity], ttl=ttl, schema=schema, source=source)


def frame(view: dict) -> pd.DataFrame:
    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=view["age_s"])
    values = dict(zip(view["features"], view["values"], strict=True))
    ids = pd.Series(view["ids"], dtype="int64" if view["integer"] else "object")
    return pd.DataFrame({view["join_key"]: ids, **values, "at": at})


def main(folder: Path, views: dict[str, dict]) -> None:
    warnings.simplefilter("ignore")
    (folder / "feature_store.yaml").write_text(SETTINGS)
    for name, view in views.items():
        frame(view).head(1).to_parquet(folder / f"{name}.parquet")
    store = FeatureStore(repo_path=str(folder))
    store.apply([part for name, view in views.items() for part in declared(name, view)])
    for name, view in views.items():
        store.write_to_online_store(name, frame(view))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
