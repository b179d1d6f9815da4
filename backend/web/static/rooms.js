// Choosing a room: narrows the cards while somebody types. On the call list: prints it.
const plain = (text) =>
  text.toLowerCase().replaceAll("đ", "d").normalize("NFD").replace(/\p{Diacritic}/gu, "");

const find = document.getElementById("find");
if (find) {
  const cards = [...document.querySelectorAll("#rooms [data-find]")];
  const narrow = () => {
    const wanted = plain(find.value.trim());
    for (const card of cards) card.hidden = !plain(card.dataset.find).includes(wanted);
  };
  find.addEventListener("input", narrow);
  narrow(); // somebody may have typed before this script was there
  find.addEventListener("keydown", (event) => {
    const shown = cards.filter((card) => !card.hidden);
    if (event.key === "Enter" && shown.length === 1) shown[0].click();
  });
}

const print = document.getElementById("print");
if (print) print.addEventListener("click", () => window.print());
