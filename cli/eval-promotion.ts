import { ReportError } from "../evals/report.ts";
import { promotions, type Promotion } from "../stacks/promotions.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";

/**
 * What a stack serves under a name.
 * @throws ReportError when it serves nothing under it
 */
export function promotionOf(stack: string, config: PlatformConfig, model: string): Promotion {
  const all = promotions(config);
  const found = all.find((each) => each.model === model);
  if (found === undefined)
    throw new ReportError(
      `stack ${stack} has no model '${model}'; it has ${all.map((each) => each.model).join(", ") || "none"}`,
    );
  return found;
}
