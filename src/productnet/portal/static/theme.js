// The chosen theme, set before the first paint so that nothing flashes. Not a module: modules wait.
(() => {
  try {
    const theme = localStorage.getItem("productnet.theme");
    if (theme === '"light"' || theme === '"dark"') {
      document.documentElement.dataset.theme = theme.slice(1, -1);
    }
  } catch {
    // Storage is switched off: the system's theme is shown.
  }
})();
