import "shared/frame.js";
