// Closed vocabularies of the hub (`crates/oversight`), in their order.
export const ORGANISATION_ROLES = ['coordinator', 'agency', 'operator', 'partner', 'oversight', 'academy'] as const
export const PERSON_ROLES = ['analyst', 'duty_officer', 'approver', 'commissioner', 'planner', 'administrator', 'trainee'] as const
export const DOORS = ['taxii', 'rest', 'stream', 'misp', 'edges', 'mail'] as const
export const OBJECT_CLASSES = ['indicator', 'observable', 'sighting', 'threat', 'vulnerability', 'incident', 'report', 'other'] as const
export const SECTORS = ['telecommunications', 'finance', 'aviation', 'airports', 'railways', 'power', 'gas', 'government', 'medical', 'water',
  'logistics', 'chemical', 'credit-card', 'petroleum', 'ports'] as const
export const AUDIT_ACTIONS = ['objects-added', 'objects-deleted', 'objects-released', 'content-conflict', 'signed-in', 'signed-out', 'refused',
  'credential-changed', 'token-issued', 'token-revoked', 'organisation-changed', 'person-changed', 'edge-changed', 'sightings-received',
  'case-opened', 'case-changed', 'entry-mailed', 'certificate-authority-changed', 'certificate-issued', 'certificate-revoked', 'qualification-changed', 'emergency-raised', 'emergency-ended', 'emergency-reviewed', 'recovery-changed', 'provider-changed', 'peer-changed', 'objects-taken-back', 'search-saved', 'sameness-decided', 'source-graded', 'products-declared',
  'agreement-changed', 'sharing-group-changed', 'audience-asked',
  'policy-changed', 'policy-proposed', 'policy-proposal-decided', 'release-changed', 'release-requested', 'release-answered', 'objects-recalled', 'recall-acknowledged', 'question-asked',
  'question-answered', 'question-closed', 'contribution-judged', 'reported-anonymously', 'seal-key-changed', 'seal-opened',
  'authorisation-requested', 'authorisation-answered', 'authorisation-granted', 'authorisation-refused', 'authorisation-suspended',
  'authorisation-resumed', 'authorisation-revoked', 'authorisation-list-inspected', 'authorisation-used', 'selections-received',
  'selections-seen', 'selection-anomaly', 'private-round-asked', 'private-round-opened', 'private-round-ended', 'private-round-signed',
  'private-round-audited', 'class-key-ended', 'class-key-destroyed', 'legal-hold-changed', 'commission-changed', 'frame-changed',
  'authorisation-withdrawn', 'statistics-published', 'report-changed', 'report-filed', 'report-answered', 'report-read',
  'report-profile-declared', 'playbook-added', 'run-changed', 'run-advanced', 'order-asked', 'outreach-changed', 'order-reported',
  'evidence-changed', 'evidence-exported', 'evidence-requested', 'node-started', 'padding'] as const
