// What is nice to have: every page works without.
"use strict";

// A file that is dropped anywhere on the inspector's form is inspected at once.
for (const form of document.querySelectorAll("form[data-drop]")) {
  const [text, file] = [form.elements.message, form.elements.file];
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => {
      if ([...event.dataTransfer.types].includes("Files")) {
        event.preventDefault();
        form.classList.add("over");
      }
    });
  }
  for (const name of ["dragleave", "drop"]) {
    form.addEventListener(name, () => form.classList.remove("over"));
  }
  form.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length) {
      event.preventDefault();
      file.files = event.dataTransfer.files;
      text.value = "";
      form.requestSubmit();
    }
  });
  // A file that is chosen takes the place of what was pasted, which would come first.
  file.addEventListener("change", () => {
    if (file.files.length) text.value = "";
  });
}
