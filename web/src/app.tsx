import { MantineProvider, localStorageColorSchemeManager } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { Suspense } from 'react'
import { BrowserRouter, Navigate, Route, Routes, useLocation } from 'react-router'

import { ApiError } from './api/error.ts'
import { useSessionQuery } from './api/session.ts'
import { Boundary } from './components/boundary.tsx'
import { ErrorNote } from './components/error-note.tsx'
import { Shell } from './components/shell.tsx'
import { ToastProvider } from './components/toast.tsx'
import { Waiting } from './components/waiting.tsx'
import { BoardPage } from './pages/board/board.tsx'
import {
  AccountPage,
  ActorPage,
  ActorsPage,
  AdministrationPage,
  AgreementPage,
  AuthorisationPage,
  CampaignPage,
  CasePage,
  CasesPage,
  ComparePage,
  CredentialPage,
  DraftPage,
  EdgePage,
  EdgesPage,
  EmergencyPage,
  EvidenceItemPage,
  EvidencePage,
  FeedPage,
  GraphPage,
  MatrixPage,
  NotFoundPage,
  ObjectPage,
  OversightPage,
  PlaybookPage,
  ProofPage,
  ProviderPage,
  PublishPage,
  ReportFormPage,
  ReportPage,
  ReportProfilePage,
  ReportsPage,
  RequestPage,
  ResponsePage,
  RoomBriefPage,
  RoomPage,
  RunPage,
  SamenessPage,
  SavedSearchesPage,
  SearchPage,
  SharingPage,
  SignInPage,
} from './pages/parts.ts'
import { theme, variables } from './theme/theme.ts'

/** Asked again only where asking again can help. */
const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (count, error) => count < 2 && (!(error instanceof ApiError) || ['unreachable', 'unavailable', 'too-many'].includes(error.code)),
    },
  },
})

const schemes = localStorageColorSchemeManager({ key: 'yagura.scheme' })

export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} colorSchemeManager={schemes} defaultColorScheme="auto">
      <QueryClientProvider client={client}>
        <ToastProvider>
          <BrowserRouter>
            <Boundary place="console">
              <Suspense fallback={<Waiting />}>
                <Routes>
                  <Route path="/sign-in" element={<SignInPage />} />
                  <Route path="/sign-in/oidc/:provider" element={<ProviderPage />} />
                  <Route path="*" element={<SignedIn />} />
                </Routes>
              </Suspense>
            </Boundary>
          </BrowserRouter>
        </ToastProvider>
      </QueryClientProvider>
    </MantineProvider>
  )
}

function SignedIn() {
  const { data: session, error, isPending, refetch } = useSessionQuery()
  const location = useLocation()
  if (isPending) return <Waiting />
  if (error) return <div style={{ padding: 32 }}><ErrorNote error={error} retry={() => void refetch()} /></div>
  if (!session) {
    const to = location.pathname === '/' ? '' : `?to=${encodeURIComponent(location.pathname + location.search)}`
    return <Navigate to={`/sign-in${to}`} replace />
  }
  if (session.credential_needed) return <CredentialPage />
  return (
    <Shell>
      <Boundary place={location.pathname}>
        <Suspense fallback={<Waiting />}>
          <Routes>
            <Route path="/" element={session.may.includes('read') ? <BoardPage /> : <Navigate to="/oversight" replace />} />
            <Route path="/intelligence" element={<SearchPage />} />
            <Route path="/intelligence/publish" element={<PublishPage />} />
            <Route path="/intelligence/:id" element={<ObjectPage />} />
            <Route path="/graph" element={<GraphPage />} />
            <Route path="/actors" element={<ActorsPage />} />
            <Route path="/actors/compare" element={<ComparePage />} />
            <Route path="/actors/:id" element={<ActorPage />} />
            <Route path="/matrix" element={<MatrixPage />} />
            <Route path="/sameness" element={<SamenessPage />} />
            <Route path="/feed" element={<FeedPage />} />
            <Route path="/searches" element={<SavedSearchesPage />} />
            <Route path="/cases" element={<CasesPage />} />
            <Route path="/cases/:id" element={<CasePage />} />
            <Route path="/cases/:id/evidence" element={<EvidencePage />} />
            <Route path="/cases/:id/evidence/:item" element={<EvidenceItemPage />} />
            <Route path="/cases/:id/room" element={<RoomPage />} />
            <Route path="/cases/:id/brief" element={<RoomBriefPage />} />
            <Route path="/cases/:id/campaign" element={<CampaignPage />} />
            <Route path="/reports" element={<ReportsPage />} />
            <Route path="/reports/new" element={<EmergencyPage />} />
            <Route path="/reports/profile" element={<ReportProfilePage />} />
            <Route path="/reports/:id" element={<ReportPage />} />
            <Route path="/reports/:id/forms/:regime/:stage/:recipient" element={<ReportFormPage />} />
            <Route path="/response/playbooks/:id" element={<PlaybookPage />} />
            <Route path="/response/runs/:id" element={<RunPage />} />
            <Route path="/response/:part?" element={<ResponsePage />} />
            <Route path="/edges" element={<EdgesPage />} />
            <Route path="/edges/:id" element={<EdgePage />} />
            <Route path="/sharing/agreements/new" element={<DraftPage />} />
            <Route path="/sharing/agreements/:id" element={<AgreementPage />} />
            <Route path="/sharing/:part?" element={<SharingPage />} />
            <Route path="/oversight/authorisations/new" element={<RequestPage />} />
            {['/oversight', '/asked'].flatMap((base) => [
              <Route key={`${base} entry`} path={`${base}/authorisations/:id/entries/:leaf`} element={<ProofPage />} />,
              <Route key={`${base} one`} path={`${base}/authorisations/:id`} element={<AuthorisationPage />} />,
              <Route key={base} path={`${base}/:part?`} element={<OversightPage />} />,
            ])}
            <Route path="/administration/:part?" element={<AdministrationPage />} />
            <Route path="/me" element={<AccountPage />} />
            <Route path="*" element={<NotFoundPage />} />
          </Routes>
        </Suspense>
      </Boundary>
    </Shell>
  )
}
