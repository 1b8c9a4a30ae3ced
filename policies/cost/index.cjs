// Entry of `pulumi preview --policy-pack policies/cost`; the controls are TypeScript.
module.exports = import("tsx/esm/api").then(async ({ register }) => {
  register();
  const { servePack } = await import("../pack/serve.ts");
  await servePack("llmops-cost");
});
