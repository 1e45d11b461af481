// The case room: what several hubs know, do and decide about one case.
import { useQuery, useQueryClient } from '@tanstack/react-query'

import { call, query } from './client.ts'
import { continued } from './continued.ts'
import type { components } from './schema.ts'

type Hub = components['schemas']
export type Room = Hub['Room']
export type RoomBrief = Hub['RoomBrief']
export type RoomCase = Hub['RoomCase']
export type RoomLabel = Hub['RoomLabel']
export type RoomLine = Hub['RoomLine']
export type RoomName = Hub['RoomName']
export type RoomPerson = Hub['RoomPerson']
export type RoomSays = Hub['RoomSays']
export type RoomSituation = Hub['RoomSituation']
export type RoomTask = Hub['RoomTask']
export type RoomTaken = Hub['RoomTaken']
export type RoomPresence = Hub['RoomPresence']
export type RoomReport = Hub['RoomReport']
export type RoomValue = Hub['RoomValue']
export type SimilarCase = Hub['SimilarCase']
export type NewRoomEntry = Hub['NewRoomEntry']
export type RoomRecipients = Hub['RoomRecipients']
export type NewRoomMail = Hub['NewRoomMail']
export type OwnMail = Hub['OwnMail']
export type NewRoomIndicators = Hub['NewRoomIndicators']

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)
const at = (id: string, rest = '') => `/api/v1/cases/${encodeURIComponent(id)}/room${rest}`

/** A room and its newest lines. It is asked for again at each change, for what is new only. */
export function useRoom(id: string, limit: number, enabled = true) {
  const client = useQueryClient()
  const queryKey = ['room', id, limit]
  return useQuery({
    enabled,
    queryKey,
    queryFn: async ({ signal }) => {
      const held = client.getQueryData<Room>(queryKey)
      return continued(held, await get<Room>(at(id, query({ limit, known: held?.cursor })), signal), limit)
    },
    placeholderData: (held) => (held?.case.id === id ? held : undefined),
  })
}

export const useRooms = () => useQuery({ queryKey: ['room', 'all'], queryFn: ({ signal }) => get<Hub['RoomCaseList']>('/api/v1/rooms', signal) })

export const useBrief = (id: string, since: string) =>
  useQuery({ queryKey: ['room', id, 'brief', since], queryFn: ({ signal }) => get<RoomBrief>(at(id, `/brief${query({ since })}`), signal) })

export const useCampaign = (id: string) =>
  useQuery({ queryKey: ['room', id, 'campaign'], queryFn: ({ signal }) => get<Hub['Campaign']>(`/api/v1/cases/${encodeURIComponent(id)}/campaign`, signal) })

export const write = (id: string, entry: NewRoomEntry) => call<RoomTaken>('POST', at(id), entry)
export const publish = (id: string, entry: string, body: Hub['NewRoomPublication']) => call<RoomTaken>('POST', at(id, `/${entry}/publish`), body)

/** Who may be sent an entry by mail; asked anew each time, since people come and go. */
export const useRecipients = (id: string, entry: string) =>
  useQuery({ queryKey: ['recipients', id, entry], queryFn: ({ signal }) => get<RoomRecipients>(at(id, `/${entry}/recipients`), signal), staleTime: 0 })

export const sendByMail = (id: string, entry: string, body: NewRoomMail) => call<Hub['RoomMailSent']>('POST', at(id, `/${entry}/mail`), body)

export const useOwnMail = (enabled = true) => useQuery({ enabled, queryKey: ['own-mail'], queryFn: ({ signal }) => get<OwnMail>('/api/v1/me/mail', signal) })
export const keepOwnMail = (mail: Hub['NewOwnMail'] | null) => (mail === null ? call<void>('DELETE', '/api/v1/me/mail') : call<void>('PUT', '/api/v1/me/mail', mail))

export const proposeSeverity = (id: string, body: Hub['NewRoomSeverity']) => call<RoomTaken>('POST', at(id, '/severity'), body)
export const writeSeveral = (entries: Hub['NewRoomEntryOf'][]) => call<Hub['RoomTakenList']>('POST', '/api/v1/rooms/entries', { entries })

/** Of a situation report what one does not know yet; all of it without a number is of the last one. */
export const readReport = (id: string, report: number | null, known: string, signal: AbortSignal) => get<RoomReport>(at(id, `/report${query({ report, known })}`), signal)

/** Says that one is in the room, and hears who else is. */
export const present = (id: string, here: { writes: boolean; leaves: boolean }) => call<RoomPresence>('POST', at(id, '/presence'), here)

/** The values in what somebody types, and what is known of each. */
export const useValues = (id: string, text: string) =>
  useQuery({ queryKey: ['values', id, text], queryFn: ({ signal }) => call<Hub['RoomValues']>('POST', at(id, '/values'), { text }, signal), enabled: text !== '', placeholderData: (held) => (text === '' ? undefined : held) })

export const linkIndicators = (id: string, body: NewRoomIndicators) => call<Hub['RoomIndicatorsTaken']>('POST', at(id, '/indicators'), body)

const MINUTE_MS = 60_000

export const useSimilar = (id: string) =>
  useQuery({ queryKey: ['similar', id], queryFn: ({ signal }) => get<Hub['SimilarCases']>(`/api/v1/cases/${encodeURIComponent(id)}/similar`, signal), staleTime: MINUTE_MS, refetchInterval: 5 * MINUTE_MS })
