const { enableCompileCache, flushCompileCache } = require("node:module");

// Entry of `pulumi preview --policy-pack policies/cost`; the controls are TypeScript, which an older Node cannot read by itself.
module.exports = (async () => {
  if (!process.features.typescript) (await import("tsx/esm/api")).register();
  enableCompileCache?.();
  const { servePack } = await import("../pack/serve.ts");
  await servePack("llmops-cost");
  // The engine ends a pack with a signal, and then Node no longer writes what it compiled.
  flushCompileCache?.();
})();
