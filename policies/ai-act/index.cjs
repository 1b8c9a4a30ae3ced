// Entry of `pulumi preview --policy-pack policies/ai-act`; the controls are TypeScript.
module.exports = import("tsx/esm/api").then(async ({ register }) => {
  register();
  const { servePack } = await import("../pack/serve.ts");
  await servePack("llmops-ai-act");
});
