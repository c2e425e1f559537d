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
  progress: LeafProgress;
  leases: Lease[];
}

export interface QueueItem {
  leaf: string; name: string; path: string[]; task: Task; why: string; assigned: boolean;
  waiting: number; progress: LeafProgress;
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
  role: "label" | "audit" | "adjudicate" | "undo";
  verdict?: Verdict; undoes?: string; seconds?: number; source?: string | null;
  model_version?: string | null; score?: number | null; note?: string; at?: string;
}
export interface DecisionResult {
  id: string; status: "recorded" | "known" | "refused"; detail?: string | null;
}
export interface DecisionsAnswer {
  results: DecisionResult[]; seq: number; progress: Record<string, LeafProgress>;
}

export type MapBy = "leaf" | "verdict" | "disagreement";
export interface MapState {
  ready: boolean; why: string | null; version: string; embedding_set: string; count: number;
  missing: number;
}
export interface MapGroup {
  code: number; kind: string; label: string; leaf: string | null; count: number; x: number; y: number;
}
export interface MapLegend { version: string; groups: MapGroup[] }

export interface Page<T> { items: T[]; next_cursor?: string | null }

/** An answer that waits in this browser; see outbox.js. */
export interface Waiting {
  n: number; person: string; decision: Decision; state: "waiting" | "refused";
  title: string; leafName: string; detail?: string;
}
