/** Namespace of MLflow; nothing else runs in it. */
export const MLFLOW_NAMESPACE = "mlflow";

/** Service account of MLflow; the cloud identity that reaches the artifacts is bound to it. */
export const MLFLOW_ACCOUNT = "mlflow";

/** Port of MLflow. */
export const MLFLOW_PORT = 5000;

/** Address of MLflow inside the cluster. */
export const MLFLOW_URL = `http://mlflow.${MLFLOW_NAMESPACE}.svc:${MLFLOW_PORT}`;

/** Account of MLflow's administrator. */
export const MLFLOW_ADMIN = "admin";

/** Namespaces that carry it may call MLflow. */
export const MLFLOW_CLIENT_LABEL = { "llmops.io/mlflow-client": "true" } as const;

/** Namespace of the evaluation jobs. */
export const EVALUATION_NAMESPACE = "evaluation";

/** Labels of the pod that judges live answers. */
export const ONLINE_SELECTOR = { "app.kubernetes.io/name": "online-evaluation" } as const;

/** Port it takes traces on and shows metrics on. */
export const ONLINE_PORT = 8080;

/** Paths inside the containers of evaluations. */
export const EVALUATION_PATHS = {
  configuration: "/etc/evaluation/config.json",
  /** Key of the gateway's client. */
  key: "/var/run/evaluation/gateway/key",
  /** Password of MLflow's account. */
  mlflow: "/var/run/evaluation/mlflow/password",
  /** Scratch. */
  runs: "/tmp/runs",
} as const;
