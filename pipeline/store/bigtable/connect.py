"""From a project and an instance to working calls: channel, credentials, a first look, and tables made when asked.

`BIGTABLE_EMULATOR_HOST` leads to an emulator, as in all of Google's clients; otherwise credentials and endpoint are the
library's business.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import google.auth.exceptions
import grpc
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError
from google.cloud.bigtable_v2.types import data

from pipeline.model.errors import StoreAway, TransientStoreError, UsageError
from pipeline.model.layout import TABLES
from pipeline.store.bigtable.calls import CURES, Calls, Missing, one_line, translate
from pipeline.store.bigtable.patience import Patience
from pipeline.store.bigtable.unit import FAMILY

PROBE_S = 5.0  # a service that does not answer is named within ten seconds of the start
CREATE_S = 60.0
CHANNEL_OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
EMULATOR = "BIGTABLE_EMULATOR_HOST"
PREFIX = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9_.]{0,40}|")


def emulator_host() -> str | None:
    """Where to find the emulator, when there is one to talk to."""
    return os.environ.get(EMULATOR) or None


def connect(
    project: str, instance: str, prefix: str, *, make_tables: bool, app_profile: str | None, patience: Patience
) -> Calls:
    """Calls on tables that exist, made if need be and wanted. Raises UsageError within seconds, with the cure."""
    where = f"bigtable://{project}/{instance}" + (f"?prefix={prefix}" if prefix else "")
    if not PREFIX.fullmatch(prefix):
        raise UsageError(f"{where}: a prefix is up to 41 letters, digits and _ - . and does not begin with - or .")
    path = f"projects/{project}/instances/{instance}"
    with _signed_in(where):
        calls = Calls(_data_channel(), where, f"{path}/tables/{prefix}", app_profile)
        try:
            _probe(calls, patience)
        except Missing:
            if not make_tables:
                raise
            _make_tables(path, prefix)
    return calls


def _probe(calls: Calls, patience: Patience) -> None:
    """One small read. `meta` is made last, so where it is the others are too."""
    one_cell = data.RowFilter.pb()(cells_per_row_limit_filter=1)
    patience = replace(patience, deadline_s=min(PROBE_S, patience.deadline_s))
    try:
        patience.repeat(lambda left_s: list(calls.read_rows("meta", None, one_cell, left_s(), limit=1)))
    except TransientStoreError as e:
        host = emulator_host()
        cure = f"start the emulator at {host} or unset {EMULATOR}" if host else "check the network and --store"
        raise StoreAway(f"{e}; {cure}") from e


def _data_channel() -> grpc.Channel:
    if host := emulator_host():
        return grpc.insecure_channel(host, options=CHANNEL_OPTIONS)
    from google.cloud.bigtable_v2 import BigtableClient

    transport: Any = BigtableClient().transport
    return transport.grpc_channel


def _make_tables(path: str, prefix: str) -> None:
    """**Retry:** harmless, a table that is there is left as it is."""
    from google.cloud import bigtable_admin_v2 as admin

    # One version and nothing else: cell timestamps are seqs, which any rule about age would take for 1970.
    family = admin.ColumnFamily(gc_rule=admin.GcRule(max_num_versions=1))
    client = _admin_client()
    for table in TABLES:
        try:
            request = admin.CreateTableRequest(
                parent=path, table_id=prefix + table, table=admin.Table(column_families={FAMILY: family})
            )
            client.create_table(request, timeout=CREATE_S)
        except AlreadyExists:
            continue


def _admin_client() -> Any:
    from google.cloud import bigtable_admin_v2 as admin
    from google.cloud.bigtable_admin_v2.services.bigtable_table_admin import transports

    if not (host := emulator_host()):
        return admin.BigtableTableAdminClient()
    channel = grpc.insecure_channel(host)
    return admin.BigtableTableAdminClient(transport=transports.BigtableTableAdminGrpcTransport(channel=channel))


@contextmanager
def _signed_in(where: str) -> Iterator[None]:
    try:
        yield
    except google.auth.exceptions.GoogleAuthError as e:
        raise UsageError(
            f"{where}: {one_line(str(e)).rstrip('.')}; {CURES[grpc.StatusCode.UNAUTHENTICATED]}, or set {EMULATOR}"
        ) from e
    except GoogleAPICallError as e:
        raise translate(e.grpc_status_code or grpc.StatusCode.UNKNOWN, e.message, where) from e
