// Reports of incidents: what is said, what is owed, what was filed and answered.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'

import { call, FileBody, query } from './client.ts'
import type { components } from './schema.ts'

type Hub = components['schemas']
export type Report = Hub['Report']
export type ReportCatalogue = Hub['ReportCatalogue']
export type ReportDuty = Hub['ReportDuty']
export type ReportField = Hub['ReportField']
export type ReportFiling = Hub['ReportFiling']
export type ReportForm = Hub['ReportForm']
export type ReportReceiverList = Hub['ReportReceiverList']
export type ReportReply = Hub['ReportReply']
export type ReportSummary = Hub['ReportSummary']
export type ReportTaken = Hub['ReportTaken']
export type ReportProfile = Hub['ReportProfile']
export type ReportValue = Hub['ReportValue']
export type NewReport = Hub['NewReport']
export type NewReportEvent = Hub['NewReportEvent']
export type NewReportFiling = Hub['NewReportFiling']
export type NewReportAnswer = Hub['NewReportAnswer']
export type Words = Hub['Words']

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)
const one = encodeURIComponent
const at = (id: string, rest = '') => `/api/v1/reports/${one(id)}${rest}`
/** Clocks move by themselves; what they are shown as is asked for again so often. */
const CLOCKS_MS = 30_000

/** What there is to report with. It changes with the program or its configuration, not while somebody writes. */
export const useReportCatalogue = (enabled = true) =>
  useQuery({ enabled, queryKey: ['report-catalogue'], staleTime: Infinity, queryFn: ({ signal }) => get<ReportCatalogue>('/api/v1/report-catalogue', signal) })

export const useReports = () =>
  useInfiniteQuery({
    queryKey: ['reports', 'list'],
    queryFn: ({ pageParam, signal }) => get<Hub['ReportList']>(`/api/v1/reports${query({ after: pageParam })}`, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
  })

export const useReport = (id: string) =>
  useQuery({ queryKey: ['reports', 'one', id], queryFn: ({ signal }) => get<Report>(at(id), signal), refetchInterval: CLOCKS_MS })

export const useReportDuties = (enabled: boolean) =>
  useQuery({ enabled, queryKey: ['reports', 'duties'], queryFn: ({ signal }) => get<Hub['ReportDutyList']>('/api/v1/report-duties', signal), refetchInterval: CLOCKS_MS })

export const useReportForm = (id: string, names: readonly [string, string, string]) =>
  useQuery({ queryKey: ['reports', 'form', id, ...names], queryFn: ({ signal }) => get<ReportForm>(at(id, `/forms/${names.map(one).join('/')}`), signal) })

/** Who can be given a copy, here and at neighbouring hubs: an agreement that begins or ends changes that. */
export const useReportReceivers = () =>
  useQuery({ queryKey: ['reports', 'receivers'], queryFn: ({ signal }) => get<ReportReceiverList>('/api/v1/report-receivers', signal) })

export const useReportProfile = (enabled = true) =>
  useQuery({ enabled, queryKey: ['reports', 'profile'], queryFn: ({ signal }) => get<ReportProfile>('/api/v1/report-profile', signal) })

export const begin = (report: NewReport) => call<ReportTaken>('POST', '/api/v1/reports', report)
export const addEvents = (id: string, send: string, events: NewReportEvent[]) => call<ReportTaken>('POST', at(id, '/events'), { send, events })
export const prefill = (id: string, send: string) => call<ReportTaken>('POST', at(id, '/prefill'), { send })
export const file = (id: string, filing: NewReportFiling) => call<ReportFiling>('POST', at(id, '/filings'), filing)
export const answer = (id: string, said: NewReportAnswer) => call<ReportTaken>('POST', at(id, '/answers'), said)
export const attach = (id: string, content: File) => call<Hub['ReportFileTaken']>('POST', at(id, `/files${query({ name: content.name })}`), new FileBody(content))
export const declare = (profile: ReportProfile) => call<ReportProfile>('PUT', '/api/v1/report-profile', profile)

export const copyPath = (id: string, event: string) => at(id, `/filings/${one(event)}/copy`)
export const receiptPath = (id: string, event: string) => at(id, `/filings/${one(event)}/receipt`)
export const filePath = (id: string, sha256: string) => at(id, `/files/${one(sha256)}`)
