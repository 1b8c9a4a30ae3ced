"""Sends a day of seeded traces to MLflow over OTLP, as the collector does: one span each, with the tokens it used."""

import base64
import os
import random
import sys
import urllib.request
from datetime import UTC, datetime

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

address, experiment, day, seed, count, mean = sys.argv[1:]
numbers = random.Random(int(seed))
start = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1e9)
request = ExportTraceServiceRequest()
spans = request.resource_spans.add().scope_spans.add().spans
for index in range(int(count)):
    span = spans.add()
    span.trace_id = numbers.randbytes(16)
    span.span_id = numbers.randbytes(8)
    span.name = "chat"
    span.start_time_unix_nano = start + index * 60_000_000_000
    span.end_time_unix_nano = span.start_time_unix_nano + int(numbers.lognormvariate(0, 0.3) * 1e9)
    for key, value in {
        "gen_ai.usage.input_tokens": int(numbers.lognormvariate(float(mean), 0.8)),
        "gen_ai.usage.output_tokens": int(numbers.lognormvariate(4.5, 0.6)),
    }.items():
        attribute = span.attributes.add()
        attribute.key = key
        attribute.value.int_value = value
account = f"{os.environ['MLFLOW_TRACKING_USERNAME']}:{os.environ['MLFLOW_TRACKING_PASSWORD']}"
sent = urllib.request.Request(
    f"{address}/v1/traces",
    data=request.SerializeToString(),
    headers={
        "content-type": "application/x-protobuf",
        "x-mlflow-experiment-id": experiment,
        "authorization": f"Basic {base64.b64encode(account.encode()).decode()}",
    },
)
with urllib.request.urlopen(sent) as response:
    print(response.status)
