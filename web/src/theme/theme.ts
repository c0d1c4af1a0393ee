import { createTheme } from "@mantine/core";

/** What Mantine has to know in script. Colours and sizes are in tokens.css. */
export const theme = createTheme({
  primaryColor: "teal",
  cursorType: "pointer",
  defaultRadius: "sm",
  respectReducedMotion: true,
  components: {
    // The lock is a style element made by script, which the content security policy refuses.
    ModalRoot: { defaultProps: { lockScroll: false, transitionProps: { duration: 120 } } },
    Menu: { defaultProps: { transitionProps: { duration: 120 } } },
  },
});
