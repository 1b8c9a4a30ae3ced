import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeFiles } from "../audit/file-layer.ts";
import { FileBrakes } from "../oversight/file-brakes.ts";
import { LocalReviewQueue } from "../oversight/local-queue.ts";
import { describeSharedState } from "../testing/limits-behaviour.ts";
import { LocalLimits } from "./local-limits.ts";
import { LocalTraceLimits } from "./local-traces.ts";

const state = {
  limits: new LocalLimits(),
  traces: new LocalTraceLimits(),
  reviews: new LocalReviewQueue(),
  brakes: new FileBrakes(join(mkdtempSync(join(tmpdir(), "brakes-")), "brakes.json"), nodeFiles),
};
describeSharedState("local", () => [state]);
