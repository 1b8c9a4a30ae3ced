// Entry of `pulumi preview --policy-pack policies/cost`; the controls are TypeScript, which an older Node cannot read by itself.
module.exports = (async () => {
  if (!process.features.typescript) (await import("tsx/esm/api")).register();
  const { servePack } = await import("../pack/serve.ts");
  await servePack("llmops-cost");
})();
