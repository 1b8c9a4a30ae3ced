/** One trigger of a ScaledObject. */
export type ScalerTrigger =
  | {
      readonly type: "prometheus";
      readonly name: string;
      readonly metadata: { readonly query: string; readonly threshold: string };
    }
  | { readonly type: "cron"; readonly name: string; readonly metadata: Readonly<Record<string, string>> };
