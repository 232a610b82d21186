// The model loader on any bytes: it either builds a model or throws an Error, takes no more memory than the
// file, and what it builds can be asked.
#include <cstdint>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/hash.h"
#include "cairn/builtin/registry.h"
#include "cairn/model/pipeline.h"

namespace {

using namespace cairn;

// Two rows with every column that the model wants, of missing values or of its first level.
Table rows_for(const Schema& schema) {
  std::vector<Column> columns;
  for (const ColumnSpec& spec : schema.columns) {
    if (spec.kind == ColumnKind::category && !spec.levels.empty())
      columns.push_back(
          Column::category(spec.name, Tensor::from(std::vector<std::int32_t>{0, -1}), spec.levels));
    else if (spec.kind == ColumnKind::text)
      columns.push_back(Column::text(spec.name, std::vector<std::string>{"some words", ""}));
    else
      columns.push_back(Column::number(spec.name, Tensor::from(std::vector<double>{1, 0.5})));
  }
  return Table(std::move(columns));
}

void try_load(const std::string& bytes) {
  try {
    const auto model = model_from_bytes(bytes, "fuzz.cairn", builtin_registry());
    const auto* pipeline = dynamic_cast<const PipelineModel*>(model.get());
    if (pipeline && pipeline->schema().columns.size() < 1000) model->predict(rows_for(pipeline->schema()));
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string file(reinterpret_cast<const char*>(bytes), size);
  try_load(file);
  // The seal stops nearly every changed file at the door; a right seal lets the fuzzer look behind it.
  constexpr std::size_t kSeal = 32;
  if (size <= kSeal) return 0;
  cairn::Sha256 hash;
  hash.update(file.data(), size - kSeal);
  const auto digest = hash.finish();
  file.replace(size - kSeal, kSeal, reinterpret_cast<const char*>(digest.data()), kSeal);
  try_load(file);
  return 0;
}
