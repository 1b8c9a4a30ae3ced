// Entry of `pulumi preview --policy-pack policies/cost`.
module.exports = require("../pack/entry.cjs")("llmops-cost");
