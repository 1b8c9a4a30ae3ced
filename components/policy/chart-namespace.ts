/**
 * Label of a namespace that holds the chart of another project. Its objects carry neither the labels of the platform nor digests, so the
 * API server is not asked about them there; the plan sees what the chart is given.
 */
export const CHART_NAMESPACE_LABEL = { "llmops.io/charts": "third-party" } as const;
