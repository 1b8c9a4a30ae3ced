import { LocalReviewQueue } from "../oversight/local-queue.ts";
import { describeSharedState } from "../testing/limits-behaviour.ts";
import { LocalLimits } from "./local-limits.ts";
import { LocalTraceLimits } from "./local-traces.ts";

const state = { limits: new LocalLimits(), traces: new LocalTraceLimits(), reviews: new LocalReviewQueue() };
describeSharedState("local", () => [state]);
