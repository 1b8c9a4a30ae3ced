// Entry of `pulumi preview --policy-pack policies/ai-act`.
module.exports = require("../pack/entry.cjs")("llmops-ai-act");
