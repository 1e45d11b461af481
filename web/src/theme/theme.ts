import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

// Controls are neutral, so that colour on the page always means something.
const ink: MantineColorsTuple = [
  '#f4f4f5', '#ececef', '#dcdce1', '#c2c2ca', '#9a9aa4', '#74747f', '#55555f', '#36363d', '#1c1c21', '#101013',
]

const dark: MantineColorsTuple = [
  '#ececef', '#b1b4bd', '#8f939e', '#5a5e69', '#3d414b', '#2d3038', '#1b1d22', '#14161a', '#0d0e11', '#08090b',
]

export const theme = createTheme({
  colors: { ink, dark },
  primaryColor: 'ink',
  primaryShade: { light: 8, dark: 1 },
  autoContrast: true,
  luminanceThreshold: 0.35,
  defaultRadius: 6,
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'inherit',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  headings: { fontWeight: '600' },
  components: {
    Button: {
      defaultProps: { size: 'sm' },
      // The filled button follows the page's ink, which is dark on light and light on dark.
      vars: (_: unknown, { variant = 'filled' }: { variant?: string }) => ({
        root: variant === 'filled'
          ? { '--button-bg': 'var(--ink)', '--button-color': 'var(--on-ink)', '--button-hover': 'color-mix(in srgb, var(--ink) 86%, var(--bg))' }
          : {},
      }),
    },
    TextInput: { defaultProps: { size: 'sm' } },
    PasswordInput: { defaultProps: { size: 'sm' } },
    Textarea: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm', comboboxProps: { shadow: 'md' } } },
    // A line around it: without one its edge is not seen where its ground is the page's, and the first choice looks out of place.
    SegmentedControl: { styles: { root: { border: '1px solid var(--line-strong)', backgroundColor: 'transparent' }, indicator: { backgroundColor: 'var(--selected)', boxShadow: 'none' } } },
    Popover: { defaultProps: { transitionProps: { duration: 0 } } },
    // A menu has nothing but its entries, and stands in the part of the page that it belongs to.
    Menu: { defaultProps: { shadow: 'md', transitionProps: { duration: 0 }, withInitialFocusPlaceholder: false, withinPortal: false } },
    Tooltip: { defaultProps: { openDelay: 250, transitionProps: { duration: 0 }, withArrow: false } },
  },
})

/** Mantine's own variables take the page's tokens, so that there is one set of colours. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: shared(),
  dark: shared(),
})

function shared(): Record<string, string> {
  return {
    '--mantine-color-body': 'var(--surface)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--text-3)',
    '--mantine-color-default': 'var(--surface)',
    '--mantine-color-default-hover': 'var(--hover)',
    '--mantine-color-default-border': 'var(--line-strong)',
    '--mantine-color-default-color': 'var(--text)',
    '--mantine-color-placeholder': 'var(--text-3)',
    '--mantine-color-error': 'var(--bad)',
    '--mantine-color-anchor': 'var(--link)',
  }
}
