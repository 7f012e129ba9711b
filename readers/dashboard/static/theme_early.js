// Owns the theme before the first paint, so that a chosen one does not flash the other.
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "system";
