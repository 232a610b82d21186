#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cairn/report/fields_internal.h"
#include "cairn/report/format_internal.h"
#include "cairn/report/page_internal.h"
#include "cairn/report/sections_internal.h"

namespace cairn::report {

// What is no base64 would end the address.
std::string inline_picture(const std::string& png, const std::string& words) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  if (png.empty() || png.find_first_not_of(kLetters) != std::string::npos) return {};
  return fmt::format(R"(<img src="data:image/png;base64,{}" alt="{}">)", png, escaped(words));
}

namespace {

void add_samples(Page& page, const Json& samples) {
  const bool classes = std::ranges::any_of(samples, [](const Json& s) { return has(s, "class"); });
  page.add(fmt::format("<h3>{}</h3>\n<div class=\"pictures\">\n",
                       classes ? "Some of each class" : "Some of them"));
  std::string open;
  for (const Json& s : samples) {
    const std::string name = text_at(s, "class");
    if (name != open || open.empty()) {
      if (!open.empty()) page.add("</div></div>\n");
      page.add("<div class=\"strip\"><b>" + escaped(name) + "</b><div>");
      open = name.empty() ? " " : name;
    }
    page.add(inline_picture(text_at(s, "png"), name));
  }
  page.add("</div></div>\n</div>\n");
}

void add_worst(Page& page, const Json& worst) {
  page.add("<h3>The worst errors</h3>\n");
  page.paragraph("Wrong decisions on held-out pictures, those first of which the model was surest.");
  page.add("<div class=\"pictures errors\">\n");
  for (const Json& w : worst) {
    const std::string truth = text_at(w, "truth"), said = text_at(w, "said");
    const std::string place =
        has(w, "file")
            ? text_at(w, "file")
            : fmt::format("row {}", count(static_cast<std::int64_t>(number_at(w, "row").value_or(0))));
    page.add(fmt::format(
        "<div class=\"picture\">{}<p><b>{}</b>, taken for {}<br>{} sure<br><span>{}</span></p></div>\n",
        inline_picture(text_at(w, "png"), fmt::format("{}, taken for {}", truth, said)), escaped(truth),
        escaped(said), percent(number_at(w, "probability").value_or(0)), escaped(place)));
  }
  page.add("</div>\n");
}

}  // namespace

void add_pictures(Page& page, const Json& result) {
  const Json& pictures = field(result, "pictures");
  if (!pictures.is_object()) return;
  page.open_section(
      "pictures", "The pictures",
      fmt::format("{} x {} pixels, {}.", number(number_at(pictures, "width").value_or(0), 0),
                  number(number_at(pictures, "height").value_or(0), 0),
                  number_at(pictures, "channels").value_or(0) == 1 ? "shades of grey" : "colours"));
  if (const Json& worst = field(pictures, "worst"); worst.is_array() && !worst.empty())
    add_worst(page, worst);
  if (const Json& samples = field(pictures, "samples"); samples.is_array() && !samples.empty())
    add_samples(page, samples);
  if (const Json& filters = field(pictures, "filters"); filters.is_array() && !filters.empty()) {
    page.add("<h3>What the first layer looks for</h3>\n");
    page.paragraph(
        "Each window of weights that is slid over the picture, from its smallest weight, black, to its "
        "largest.");
    page.add("<div class=\"pictures filters\">\n");
    for (const Json& f : filters)
      if (f.is_string()) page.add(inline_picture(f.get<std::string>(), "a filter of the first layer"));
    page.add("</div>\n");
  }
  page.close_section();
}

}  // namespace cairn::report
