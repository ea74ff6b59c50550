// The answer goes to the tool by itself; the button does the same where scripts are off.
document.getElementById("form-post")?.requestSubmit();
