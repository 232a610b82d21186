#include "cairn/run/pictures.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cairn/base/hash.h"
#include "cairn/image/picture.h"

namespace cairn {
namespace {

constexpr std::int64_t kMostSide = 96;  // larger pictures are shown smaller

std::string shown(const Tensor& picture) {
  const std::int64_t height = picture.size(0), width = picture.size(1), longest = std::max(height, width);
  if (longest <= kMostSide) return base64(png_bytes(picture));
  return base64(png_bytes(resized(picture, std::max<std::int64_t>(1, height * kMostSide / longest),
                                  std::max<std::int64_t>(1, width * kMostSide / longest))));
}

Json samples_of(const Dataset& rows, const Column& pictures) {
  constexpr std::int64_t kOfAClass = 6;
  constexpr std::size_t kMostClasses = 20;
  std::vector<std::int64_t> taken(rows.classes().size(), 0);
  std::vector<Json> by_class(std::min(kMostClasses, taken.size()), Json::array());
  const auto codes = rows.class_codes();
  for (std::size_t r = 0; r < codes.size(); ++r) {
    const auto c = static_cast<std::size_t>(codes[r]);
    if (c >= by_class.size() || taken[c]++ >= kOfAClass) continue;
    by_class[c].push_back(
        {{"class", rows.classes()[c]}, {"png", shown(pictures.picture(static_cast<std::int64_t>(r)))}});
  }
  Json list = Json::array();
  for (Json& of_class : by_class)
    for (Json& one : of_class) list.push_back(std::move(one));
  return list;
}

// Decisions that were wrong, those first that the model was surest of.
Json worst_of(const Dataset& rows, const Column& pictures, const Judged& judged) {
  constexpr std::size_t kMost = 24;
  const auto k = static_cast<std::size_t>(judged.num_classes);
  if (judged.probabilities.size() != judged.decisions.size() * k) return Json::array();
  const auto said = [&](std::int64_t r) {
    const auto i = static_cast<std::size_t>(r);
    return judged.probabilities[i * k + static_cast<std::size_t>(judged.decisions[i])];
  };
  std::vector<std::int64_t> wrong;
  for (std::size_t r = 0; r < judged.decisions.size(); ++r)
    if (judged.decisions[r] != judged.labels[r]) wrong.push_back(static_cast<std::int64_t>(r));
  std::ranges::stable_sort(wrong, [&](auto a, auto b) { return said(a) > said(b); });
  if (wrong.size() > kMost) wrong.resize(kMost);
  const Column* file = rows.roles().id.empty() ? nullptr : rows.table().find(rows.roles().id.front());
  Json list = Json::array();
  for (const std::int64_t r : wrong) {
    const auto i = static_cast<std::size_t>(r);
    const auto truth = static_cast<std::size_t>(judged.labels[i]);
    Json one{{"truth", rows.classes()[truth]},
             {"said", rows.classes()[static_cast<std::size_t>(judged.decisions[i])]},
             {"probability", said(r)},
             {"of_truth", judged.probabilities[i * k + truth]},
             {"row", r + 1},
             {"png", shown(pictures.picture(r))}};
    if (file) one["file"] = file->cell(r);
    list.push_back(std::move(one));
  }
  return list;
}

Json filters_of(const Model& model) {
  constexpr std::int64_t kMost = 64;
  Json list = Json::array();
  const Tensor filters = model.filters();
  if (!filters.defined() || (filters.size(3) != 1 && filters.size(3) != 3)) return list;
  for (std::int64_t f = 0; f < std::min(kMost, filters.size(0)); ++f)
    list.push_back(base64(png_bytes(filters.slice(0, f, f + 1)
                                        .contiguous()
                                        .reshape({filters.size(1), filters.size(2), filters.size(3)}))));
  return list;
}

const Column* pictures_among(const Table& features) {
  const auto at = std::ranges::find(features.columns(), ColumnKind::image, &Column::kind);
  return at == features.columns().end() ? nullptr : &*at;
}

}  // namespace

Json sample_pictures(const Dataset& rows) {
  const Table features = rows.features();
  const Column* pictures = pictures_among(features);
  if (!pictures) return nullptr;
  Json samples = Json::array();
  if (!rows.roles().target.empty() && is_classification(rows.task())) {
    samples = samples_of(rows, *pictures);
  } else {
    constexpr std::int64_t kSome = 12;
    for (std::int64_t r = 0; r < std::min(kSome, rows.num_rows()); ++r)
      samples.push_back({{"png", shown(pictures->picture(r))}});
  }
  return {{"height", pictures->values().size(1)},
          {"width", pictures->values().size(2)},
          {"channels", pictures->values().size(3)},
          {"samples", std::move(samples)}};
}

Json pictures_to_json(const Model& model, const Dataset& rows, const Judged& judged) {
  const Table features = rows.features();
  const Column* pictures = pictures_among(features);
  if (!pictures || !is_classification(rows.task()) || std::ssize(judged.decisions) != rows.num_rows())
    return nullptr;
  return {{"height", pictures->values().size(1)},       {"width", pictures->values().size(2)},
          {"channels", pictures->values().size(3)},     {"samples", samples_of(rows, *pictures)},
          {"worst", worst_of(rows, *pictures, judged)}, {"filters", filters_of(model)}};
}

}  // namespace cairn
