// The case room: what several hubs know, do and decide about one case.
import { useQuery } from '@tanstack/react-query'

import { call, query } from './client.ts'
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
export type NewRoomEntry = Hub['NewRoomEntry']

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)
const at = (id: string, rest = '') => `/api/v1/cases/${encodeURIComponent(id)}/room${rest}`

export const useRoom = (id: string, limit: number) =>
  useQuery({ queryKey: ['room', id, limit], queryFn: ({ signal }) => get<Room>(at(id, query({ limit })), signal), placeholderData: (held) => (held?.case.id === id ? held : undefined) })

export const useRooms = () => useQuery({ queryKey: ['room', 'all'], queryFn: ({ signal }) => get<Hub['RoomCaseList']>('/api/v1/rooms', signal) })

export const useBrief = (id: string, since: string) =>
  useQuery({ queryKey: ['room', id, 'brief', since], queryFn: ({ signal }) => get<RoomBrief>(at(id, `/brief${query({ since })}`), signal) })

export const useCampaign = (id: string) =>
  useQuery({ queryKey: ['room', id, 'campaign'], queryFn: ({ signal }) => get<Hub['Campaign']>(`/api/v1/cases/${encodeURIComponent(id)}/campaign`, signal) })

export const write = (id: string, entry: NewRoomEntry) => call<RoomTaken>('POST', at(id), entry)
export const publish = (id: string, entry: string, body: Hub['NewRoomPublication']) => call<RoomTaken>('POST', at(id, `/${entry}/publish`), body)
export const proposeSeverity = (id: string, body: Hub['NewRoomSeverity']) => call<RoomTaken>('POST', at(id, '/severity'), body)
export const writeSeveral = (entries: Hub['NewRoomEntryOf'][]) => call<Hub['RoomTakenList']>('POST', '/api/v1/rooms/entries', { entries })
