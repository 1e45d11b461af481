// Compiled and never run: fails to compile when the wire types in `types.ts` no longer name what the hub describes.
import type { components } from './schema.ts'
import type { Code } from './error.ts'
import type * as ours from './types.ts'

type Hub = components['schemas']

/** `true` where both have the same properties; an error elsewhere. */
type Same<Ours, Theirs> = [keyof Ours, keyof Theirs] extends [keyof Theirs, keyof Ours] ? true : { missing: Exclude<keyof Theirs, keyof Ours>; unknown: Exclude<keyof Ours, keyof Theirs> }

/** Refuses a list that holds anything but `true`. */
type Every<List extends true[]> = List

export type Checks = Every<[
  Exclude<Hub['Code'], Code> extends never ? true : { missing: Exclude<Hub['Code'], Code> },
  Same<ours.Problem, Hub['Problem']>,
  Same<ours.Node, Hub['Node']>,
  Same<ours.Session, Hub['Session']>,
  Same<ours.Person, Hub['Person']>,
  Same<ours.NewPerson, Hub['NewPerson']>,
  Same<ours.AddedPerson, Hub['PersonAdded']>,
  Same<ours.PasskeyInfo, Hub['PasskeyInfo']>,
  Same<ours.Challenge<unknown>, Hub['PasskeyChallenge']>,
  Same<ours.Organisation, Hub['Organisation']>,
  Same<ours.NewOrganisation, Hub['NewOrganisation']>,
  Same<ours.ObjectRoute, Hub['ObjectRoute']>,
  Same<ours.RouteHop, Hub['RouteHop']>,
  Same<ours.Peer, Hub['Peer']>,
  Same<ours.PeerList, Hub['PeerList']>,
  Same<ours.PeerCounts, Hub['PeerCounts']>,
  Same<ours.PeerConflict, Hub['PeerConflict']>,
  Same<ours.PeerFolder, Hub['PeerFolder']>,
  Same<ours.NumberRun, Hub['NumberRun']>,
  Same<ours.QuarantinedFile, Hub['QuarantinedFile']>,
  Same<ours.OwnHub, Hub['OwnHub']>,
  Same<ours.StrangerHub, Hub['StrangerHub']>,
  Same<ours.NewPeer, Hub['NewPeer']>,
  Same<ours.TokenInfo, Hub['TokenInfo']>,
  Same<ours.NewToken, Hub['NewToken']>,
  Same<ours.TokenIssued, Hub['TokenIssued']>,
  Same<ours.AuditRow, Hub['AuditRow']>,
  Same<ours.AuditList, Hub['AuditList']>,
  Same<ours.Marking, Hub['Marking']>,
  Same<ours.ObjectSummary, Hub['ObjectSummary']>,
  Same<ours.ObjectPage, Hub['ObjectPage']>,
  Same<ours.ObjectDetail, Hub['ObjectDetail']>,
  Same<ours.ObjectVersion, Hub['ObjectVersion']>,
  Same<ours.ObjectReferences, Hub['ObjectReferences']>,
  Same<ours.Reference, Hub['Reference']>,
  Same<ours.CaseSummary, Hub['CaseSummary']>,
  Same<ours.CaseList, Hub['CaseList']>,
  Same<ours.Case, Hub['Case']>,
  Same<ours.CaseEntry, Hub['CaseEntry']>,
  Same<ours.NewCase, Hub['NewCase']>,
  Same<ours.CaseChange, Hub['CaseChange']>,
  Same<ours.EdgeHello, Hub['EdgeHello']>,
  Same<ours.SourceHealth, Hub['SourceHealth']>,
  Same<ours.EdgeStatus, Hub['EdgeStatus']>,
  Same<ours.EdgeList, Hub['EdgeList']>,
  Same<ours.EdgeLedgerEntry, Hub['EdgeLedgerEntry']>,
  Same<ours.NewEdge, Hub['NewEdge']>,
  Same<ours.RegisteredEdge, Hub['RegisteredEdge']>,
  Same<ours.SectorState, Hub['SectorState']>,
  Same<ours.MinuteCount, Hub['MinuteCount']>,
  Same<ours.StreamSighting, Hub['StreamSighting']>,
  Same<ours.Board, Hub['Board']>,
  Same<ours.Ingested, Hub['Ingested']>,
  Same<ours.RefusedObject, Hub['RefusedObject']>,
]>
