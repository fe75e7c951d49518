"""The command `vectordbbench vecdbhnsw`."""

from typing import Annotated, Unpack

import click
from pydantic import SecretStr
from vectordb_bench.backend.clients import DB
from vectordb_bench.cli.cli import CommonTypedDict, cli, click_parameter_decorators_from_typed_dict, run


class VecdbHnswTypedDict(CommonTypedDict):
    """The options of the command, beside those that all have."""

    uri: Annotated[
        str,
        click.option("--uri", type=str, default="grpc://localhost:6339", help="what vecdb.connect() takes"),
    ]
    api_key: Annotated[str | None, click.option("--api-key", type=str, default=None, help="a key of the server")]
    m: Annotated[int, click.option("--m", type=int, default=16, help="links a row on the upper layers")]
    ef_construction: Annotated[
        int,
        click.option("--ef-construction", type=int, default=200, help="candidates kept while the graph is built"),
    ]
    ef: Annotated[int | None, click.option("--ef", type=int, default=None, help="candidates kept by a search")]
    recall: Annotated[
        float,
        click.option("--recall", type=float, default=0.95, help="the recall a search reaches for, without --ef"),
    ]


@cli.command()
@click_parameter_decorators_from_typed_dict(VecdbHnswTypedDict)
def VecdbHNSW(**parameters: Unpack[VecdbHnswTypedDict]) -> None:  # noqa: N802
    """Runs a case on vecdb's graph."""
    from .config import VecdbConfig, VecdbHnswConfig

    key = parameters["api_key"]
    run(
        db=DB.Vecdb,
        db_config=VecdbConfig(
            db_label=parameters["db_label"],
            uri=parameters["uri"],
            api_key=None if key is None else SecretStr(key),
        ),
        db_case_config=VecdbHnswConfig(
            m=parameters["m"],
            ef_construction=parameters["ef_construction"],
            ef=parameters["ef"],
            recall=parameters["recall"],
        ),
        **parameters,
    )
