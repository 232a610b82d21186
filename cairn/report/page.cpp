#include "cairn/report/page_internal.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/hash.h"
#include "cairn/report/assets_internal.h"

namespace cairn::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The page runs these scripts and no others: were a text of the data ever to become markup, it would still do
// nothing.
std::string script_hash(std::string_view script) {
  Sha256 hash;
  hash.update(script);
  const auto digest = hash.finish();
  return fmt::format("'sha256-{}'", base64({reinterpret_cast<const char*>(digest.data()), digest.size()}));
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size();) {
    utf8proc_int32_t code = 0;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + i),
                                         static_cast<utf8proc_ssize_t>(text.size() - i), &code);
    const std::size_t step = length > 0 ? static_cast<std::size_t>(length) : 1;
    const bool control = code < 0x20 && code != '\t' && code != '\n';
    if (length <= 0 || control || code == 0x7F) {
      out += kReplacement;
    } else if (code == '&') {
      out += "&amp;";
    } else if (code == '<') {
      out += "&lt;";
    } else if (code == '>') {
      out += "&gt;";
    } else if (code == '"') {
      out += "&quot;";
    } else if (code == '\'') {
      out += "&#39;";
    } else {
      out += text.substr(i, step);
    }
    i += step;
  }
  return out;
}

std::string script_json(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&') {
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string table(const std::vector<Column>& columns, const std::vector<Row>& rows, std::string_view label) {
  const auto classes = [](const Column& c) {
    if (c.figures) return c.wide ? " class=\"num wide\"" : " class=\"num\"";
    return c.wide ? " class=\"wide\"" : "";
  };
  std::string out = fmt::format(
      "<div class=\"scroll\" role=\"region\" aria-label=\"{}\" tabindex=\"0\"><table>\n<thead><tr>",
      escaped(label));
  for (const Column& c : columns)
    out += fmt::format("<th scope=\"col\"{}>{}</th>", classes(c), escaped(c.heading));
  out += "</tr></thead>\n<tbody>\n";
  for (const Row& row : rows) {
    out += *row.kind ? fmt::format("<tr class=\"{}\">", row.kind) : "<tr>";
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      out += i == 0 ? fmt::format("<th scope=\"row\"{}>{}</th>", classes(columns[i]), row.cells[i])
                    : fmt::format("<td{}>{}</td>", classes(columns[i]), row.cells[i]);
    }
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table></div>\n";
}

Json points_of(const Json& x, const Json& y) {
  Json points = Json::array();
  if (!x.is_array() || !y.is_array()) return points;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (x[i].is_number() && y[i].is_number()) points.push_back({x[i], y[i]});
  return points;
}

Json points_of(const Json& x, const Json& low, const Json& high) {
  Json points = Json::array();
  if (!x.is_array() || !low.is_array() || !high.is_array()) return points;
  for (std::size_t i = 0; i < std::min({x.size(), low.size(), high.size()}); ++i)
    if (x[i].is_number() && low[i].is_number() && high[i].is_number())
      points.push_back({x[i], low[i], high[i]});
  return points;
}

Json decades(double low, double high) {
  Json ticks = Json::array();
  for (int e = static_cast<int>(std::floor(std::log10(low)));
       e <= static_cast<int>(std::ceil(std::log10(high))); ++e)
    ticks.push_back(std::pow(10.0, e));
  return ticks;
}

void Page::open_section(std::string_view id, std::string_view heading, std::string_view about) {
  body_ +=
      fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<header><h2 id=\"{0}-title\">{1}</h2>",
                  id, escaped(heading));
  if (!about.empty()) body_ += "<p>" + escaped(about) + "</p>";
  body_ += "</header>\n<div>\n";
}

void Page::close_section() { body_ += "</div>\n</section>\n"; }

void Page::command(std::string_view text) {
  // A line breaks between words only: never between the dashes of a flag and its name.
  std::string words;
  for (std::size_t i = 0; i <= text.size();) {
    const std::size_t end = std::min(text.find(' ', i), text.size());
    words += fmt::format("{}<span>{}</span>", i == 0 ? "" : " ", escaped(text.substr(i, end - i)));
    i = end + 1;
  }
  body_ += fmt::format(
      "<div class=\"command\"><code>{}</code><button type=\"button\" hidden aria-label=\"Copy this "
      "command\">Copy</button></div>\n",
      words);
}

void Page::chart(Json spec, std::string_view caption, std::string_view words, int height,
                 std::string_view behind) {
  const std::string id = fmt::format("chart-{}", charts_.size() + 1);
  spec["id"] = id;
  charts_.push_back(std::move(spec));
  body_ += "<figure>\n";
  if (!caption.empty()) body_ += "<figcaption>" + escaped(caption) + "</figcaption>\n";
  body_ += fmt::format(
      "<div class=\"canvas\" style=\"height:{}px\"><canvas id=\"{}\" role=\"img\" "
      "aria-label=\"{}\"></canvas></div>\n",
      height, id, escaped(words));
  if (!behind.empty())
    body_ += fmt::format("<details><summary>The figures as a table</summary>\n{}</details>\n", behind);
  body_ += "</figure>\n";
}

std::string Page::finish(std::string_view title) const {
  const std::string_view library = asset(cairn_chart_js_begin, cairn_chart_js_end);
  const std::string_view script = asset(cairn_page_js_begin, cairn_page_js_end);
  const std::string policy = fmt::format(
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {} {}; base-uri 'none'; "
      "form-action 'none'",
      script_hash(library), script_hash(script));
  const std::string name = escaped(title), charts = script_json(charts_);
  const auto part = [&](std::string_view key) -> std::string_view {
    if (key == "policy") return policy;
    if (key == "title") return name;
    if (key == "style") return asset(cairn_page_css_begin, cairn_page_css_end);
    if (key == "body") return body_;
    if (key == "charts") return charts;
    if (key == "library") return library;
    if (key == "script") return script;
    internal_failure("the template asks for a part that there is", __FILE__, __LINE__);
  };
  std::string out;
  std::string_view rest = asset(cairn_page_html_begin, cairn_page_html_end);
  for (std::size_t open; (open = rest.find("{{")) != std::string_view::npos;) {
    const std::size_t close = rest.find("}}", open);
    CAIRN_ASSERT(close != std::string_view::npos);
    out += rest.substr(0, open);
    out += part(rest.substr(open + 2, close - open - 2));
    rest = rest.substr(close + 2);
  }
  return out.append(rest);
}

}  // namespace cairn::report
