// Opens the pages in Chromium: every chart is drawn and nothing is said on the console.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "cairn/report/report.h"
#include "tests/report/samples.h"

using namespace cairn;

namespace {

bool has_chromium() { return std::system("command -v chromium >/dev/null 2>&1") == 0; }

struct Opened {
  std::string dom, console;
};

// The page's elements once its scripts have run, and what they wrote to the console.
Opened opened(const std::filesystem::path& folder, const std::string& page) {
  write_file(folder / "page.html", page);
  const std::string place = folder.string();
  const std::string command =
      "timeout 90 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
      "--disable-background-networking "
      "--disable-component-update --disable-sync --enable-logging=stderr --user-data-dir=" +
      place + "/profile --dump-dom file://" + place + "/page.html >" + place + "/dom.html 2>" + place +
      "/log.txt";
  REQUIRE(std::system(command.c_str()) == 0);
  std::string console, log = read_file(folder / "log.txt");
  for (std::size_t at = 0; (at = log.find("CONSOLE", at)) != std::string::npos; ++at)
    console += log.substr(at, log.find('\n', at) - at) + "\n";
  return {read_file(folder / "dom.html"), console};
}

std::size_t occurrences(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

}  // namespace

TEST_CASE("a browser opens the pages without a complaint and draws every chart") {
  if (!has_chromium()) {
    MESSAGE("skipped: there is no chromium on this machine, so the pages were not opened");
    return;
  }
  std::string pattern = (std::filesystem::temp_directory_path() / "cairn-page-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  const std::filesystem::path folder = pattern;
  for (const char* task : test::kSamples) {
    CAPTURE(task);
    const Opened page =
        opened(folder, report_html(test::with_path(test::with_search(test::with_trees(test::sample(task))))));
    CHECK(page.console == "");
    CHECK(occurrences(page.dom, "<canvas") >= 4);
    // Chart.js writes a style onto each canvas that it draws.
    CHECK(occurrences(page.dom, "<canvas") ==
          occurrences(page.dom, "style=\"display: block; box-sizing: border-box;"));
  }
  // A name that closes the script element and opens its own does nothing.
  Json hostile = test::sample("binary");
  hostile["target"] = "</script><script>document.title='taken'</script>";
  hostile["importance"][0]["feature"] = "</script><script>document.title='taken'</script>";
  const Opened page = opened(folder, report_html(hostile));
  CHECK(page.console == "");
  CHECK(page.dom.find("<title>taken") == std::string::npos);
  std::filesystem::remove_all(folder);
}
