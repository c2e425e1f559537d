// The API's bodies, for the type check. The names are those of the HTTP API.

export type Verdict = "positive" | "negative" | "unsure";
export type Role = "labeler" | "auditor" | "adjudicator" | "admin";
export type Task = "label" | "audit" | "adjudicate";

export interface Named { name: string; help: string }
export interface Person { name: string; display_name: string; roles: Role[] }

export interface Session {
  person: Person;
  mode: "single" | "team";
  csrf: string;
  project: {
    name: string; products: number; taxonomy: string; leaves: number;
    embedding_set: string | null; round: number | null;
  };
  targets: Targets;
  sources: Named[];
  local_models: Named[];
  text_fields: string[];
}

export interface Targets { positives: number; hard_negatives: number }

export interface LeafProgress {
  labelled_positive: number; labelled_negative: number; unsure: number; gold: number;
  hard_negatives: number; disputed: number; to_audit: number; decisions: number; seconds: number;
}

export interface Lease { leaf: string; task: Task; holder: string; expires_at: string }

export interface Guideline {
  definition: string; include: string[]; exclude: string[]; examples: string[];
}

export interface Leaf {
  id: string; name: string; path: string[]; leaf: boolean;
  guideline: Guideline;
  guideline_fault: string | null;
  siblings: { id: string; name: string; gold: number }[];
  /** Not told to whoever audits the leaf now. */
  progress: LeafProgress | null;
  leases: Lease[];
}

export interface QueueItem {
  leaf: string; name: string; path: string[]; task: Task; why: string; assigned: boolean;
  waiting: number;
  /** Not told of leaves to audit. */
  progress: LeafProgress | null;
}

export interface Card {
  product: string; title: string | null; brand: string | null;
  /** Address of the small picture. */
  thumbnail: string | null;
}
export interface Candidate extends Card {
  source: string; score: number | null; reason: string; model_version: string | null;
  behind: number; copies: string[]; copy_count: number;
}
export interface LeafProduct extends Card { verdict: Verdict; stage: string; mine: boolean }
export interface Product extends Card {
  fields: Record<string, string>;
  images: { url: string; width: number; height: number }[];
  image_error: string | null;
}

export interface CandidatesRequest {
  leaf: string; source: string; count: number; exclude: string[];
  ask?: string; model?: string; query?: string; fields?: string[]; ids?: string;
  text?: string; image_url?: string; image_base64?: string;
}
export interface CandidatesPage {
  candidates: Candidate[]; unknown_ids: string[]; model_version: string | null;
  behind: number; seq: number;
}

export interface Decision {
  id: string; product: string; leaf: string;
  role: "label" | "audit" | "adjudicate" | "challenge" | "undo";
  verdict?: Verdict; undoes?: string; seconds?: number; source?: string | null;
  model_version?: string | null; score?: number | null; note?: string; at?: string;
}
export interface DecisionResult {
  id: string; status: "recorded" | "known" | "refused"; detail?: string | null;
}
export interface DecisionsAnswer {
  results: DecisionResult[]; seq: number; progress: Record<string, LeafProgress>;
}

export interface Page<T> { items: T[]; next_cursor?: string | null }

/** An answer that waits in this browser; see outbox.js. */
export interface Waiting {
  n: number; person: string; decision: Decision; state: "waiting" | "refused";
  title: string; leafName: string; detail?: string;
}

export interface AuditPage { items: Card[]; left: number; answered: number; next_cursor: string | null }

/** What somebody, or a model, said of a product. */
export interface Said {
  role: "label" | "audit" | "adjudicate" | "import" | "challenge"; person: string;
  verdict: Verdict | null; note: string | null; at: string; leaf: string; leaf_name: string;
  model_version: string | null; probability: number | null;
}
export interface Dispute {
  product: Card; kind: "differ" | "two_leaves" | "challenged"; reason: string;
  leaf: string; leaves: string[]; answers: Said[];
}
export interface BesideDispute {
  name: string; path: string[]; guideline: Guideline; positives: Card[]; hard_negatives: Card[];
}
export interface DisputesPage {
  items: Dispute[]; leaves: Record<string, BesideDispute>; total: number;
  next_cursor: string | null;
}

export interface RecommendedLeaf {
  leaf: string; name: string; path: string[]; count: number; confident: number;
  verified: number; confidences: number[]; gold: number;
}
export interface RecommendedLeaves {
  round: number | null; model_version: string | null; leaves: RecommendedLeaf[];
}
export interface RecommendedProduct extends Card { confidence: number; rank: number }
export interface RecommendedPage {
  items: RecommendedProduct[]; round: number | null; model_version: string | null;
  confidences: number[]; left: number; next_cursor: string | null;
}

export interface Suspect {
  product: Card; leaf: string; name: string; path: string[]; given: Verdict; probability: number;
  rather: string | null; rather_name: string | null; answers: Said[];
}
export interface OpenedSuspect {
  product: Card; leaf: string; name: string; by: string; at: string; note: string | null;
  probability: number | null; yours: boolean;
}
export interface SuspectsPage {
  items: Suspect[]; total: number; open: OpenedSuspect[]; model_version: string;
  behind: number | null; looking: boolean; failure: string | null; next_cursor: string | null;
}
