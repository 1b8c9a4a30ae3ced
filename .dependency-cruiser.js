/** Which folder may import which; the picture is in docs/architecture.md. */
const folder = (name) => `^${name}/`;
const rule = (name, from, allowed) => ({
  name,
  severity: "error",
  comment: `${from} may import only from ${[from, ...allowed].join(", ")}`,
  from: { path: folder(from) },
  to: {
    path: "^(chargeback|stacks|components|policies|review|compliance|charts|gateway|capacity|simulation|cost|monitoring|graph|plan|pricing|prompts|evals|signing|cli|local|bench|test|tools)/",
    pathNot: [from, ...allowed].map(folder),
  },
});

export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    rule("graph", "graph", []),
    rule("charts", "charts", []),
    rule("signing", "signing", []),
    rule("prompts", "prompts", ["gateway"]),
    rule("evals", "evals", ["gateway", "prompts", "signing"]),
    rule("pricing", "pricing", ["graph"]),
    rule("components", "components", ["charts", "pricing", "graph", "plan", "monitoring"]),
    rule("monitoring", "monitoring", ["gateway"]),
    rule("capacity", "capacity", ["components", "pricing"]),
    rule("simulation", "simulation", ["capacity", "gateway"]),
    rule("cost", "cost", ["graph", "plan", "pricing", "stacks", "capacity", "simulation", "components"]),
    rule("stacks", "stacks", [
      "components",
      "monitoring",
      "pricing",
      "gateway",
      "capacity",
      "policies",
      "prompts",
      "evals",
      "signing",
    ]),
    rule("plan", "plan", ["graph", "stacks", "pricing", "policies"]),
    rule("policies", "policies", ["graph", "plan", "stacks", "signing", "evals"]),
    {
      name: "controls-know-the-graph-only",
      severity: "error",
      comment: "only the pack server may read stack files and prices",
      from: { path: "^policies/", pathNot: "^policies/pack/" },
      to: { path: "^(plan|stacks)/" },
    },
    rule("review", "review", []),
    rule("chargeback", "chargeback", []),
    rule("compliance", "compliance", ["graph", "plan", "policies", "stacks"]),
    rule("gateway", "gateway", []),
    rule("local", "local", ["gateway", "stacks"]),
    {
      name: "components-plan",
      severity: "error",
      comment: "only tests of components may use the plan's capture",
      from: { path: "^components/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(plan|graph)/" },
    },
    {
      name: "no-tests-in-code",
      severity: "error",
      from: { pathNot: "(\\.test\\.ts$|^test/|/testing/)" },
      to: { path: "\\.test\\.ts$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)node_modules/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: [".ts", ".js"] },
  },
};
