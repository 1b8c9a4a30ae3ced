/** What the rules of one environment depend on besides the declarative file. */
export interface RuleEnvironment {
  /** Budget of a month, USD. */
  readonly budgetUsd: number;
  /** GPU pools with the price of a node, USD/h. */
  readonly pools: readonly { readonly name: string; readonly usdPerHour: string }[];
  /** Models with objectives of their own. */
  readonly models: readonly {
    readonly name: string;
    readonly ttftP95Seconds: number;
    readonly e2eP99Seconds: number;
  }[];
  /** Client of the gateway that evaluations call as; what it asks nobody has to judge. */
  readonly evaluationClient?: string;
}

/** Hours of a month, as cloud price lists count it. */
export const HOURS_PER_MONTH = 730;
