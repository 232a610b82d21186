// The files that cmake/assets.cmake puts into the library.
#pragma once

#include <string_view>

extern "C" {
extern const char cairn_page_html_begin[], cairn_page_html_end[];
extern const char cairn_page_css_begin[], cairn_page_css_end[];
extern const char cairn_page_js_begin[], cairn_page_js_end[];
extern const char cairn_chart_js_begin[], cairn_chart_js_end[];
extern const char cairn_result_schema_begin[], cairn_result_schema_end[];
}

namespace cairn::report {

inline std::string_view asset(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace cairn::report
